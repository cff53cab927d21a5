/** Files by the path that they were asked for by, and the paths where no file is. */
export class FileMap<Content> extends Map<string, Content> {
  /** In the order asked: nothing is there, or something on the way is no directory. */
  readonly missing: readonly string[];

  constructor(files: Iterable<readonly [string, Content]>, missing: readonly string[]) {
    super(files);
    this.missing = missing;
  }
}
