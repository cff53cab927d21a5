/** Digits of git's base85 (git/base85.c). */
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
const LINE_BYTES = 52;

/**
 * A `GIT binary patch` that turns any content into `after` and back: each side whole, deflated, in lines of a length
 * letter (A = 1 … Z = 26, a = 27 … z = 52) and base85 (git-diff, `--binary`).
 */
export async function formatBinaryPatch(before: Uint8Array, after: Uint8Array): Promise<string> {
  return `GIT binary patch\n${await formatLiteral(after)}\n${await formatLiteral(before)}\n`;
}

async function formatLiteral(bytes: Uint8Array): Promise<string> {
  const deflated = await deflate(bytes);
  let text = `literal ${bytes.length}\n`;
  for (let start = 0; start < deflated.length; start += LINE_BYTES) {
    text += formatLine(deflated.subarray(start, start + LINE_BYTES));
  }
  return text;
}

function formatLine(bytes: Uint8Array): string {
  const { length } = bytes;
  let line = String.fromCharCode(length <= 26 ? 64 + length : 70 + length);
  for (let start = 0; start < length; start += 4) {
    let word = 0;
    for (let index = 0; index < 4; index += 1) word = word * 256 + (bytes[start + index] ?? 0);
    let digits = "";
    for (let index = 0; index < 5; index += 1) {
      digits = (DIGITS[word % 85] ?? "") + digits;
      word = Math.floor(word / 85);
    }
    line += digits;
  }
  return `${line}\n`;
}

async function deflate(bytes: Uint8Array): Promise<Uint8Array> {
  // A copy: its memory is not shared, which the stream's types ask for.
  const stream = new Blob([bytes.slice()]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
