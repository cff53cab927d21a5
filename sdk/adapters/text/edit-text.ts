import { lineNumbersAt, numberLines } from "./lines.ts";
import { locateText } from "./locate-text.ts";
import { findNearestLines } from "./nearest-lines.ts";

/** One replacement. */
export interface TextEdit {
  readonly oldText: string;
  readonly newText: string;
  /** Every place rather than the only one. */
  readonly replaceAll?: boolean | undefined;
}

/** A text with its edits, and how many places were replaced. */
export interface EditedText {
  readonly text: string;
  readonly replacements: number;
}

/** Places named at most when a text is not unique. */
const MAX_PLACES = 10;

/**
 * Applies edits one after the other, all or none.
 *
 * @throws Error that tells a model what to change: the lines that are nearest when a text is not there, the lines where
 * it is when it is there more than once.
 */
export function applyTextEdits(text: string, edits: readonly TextEdit[]): EditedText {
  let current = text;
  let replacements = 0;
  for (const [index, edit] of edits.entries()) {
    const title = edits.length === 1 ? "The edit" : `Edit ${index + 1} of ${edits.length}`;
    if (edit.oldText === "") throw new Error(`${title} has no oldText; to write a whole file use writeFile`);
    const place = locateText(current, edit.oldText, edit.newText);
    if (place.offsets.length === 0) throw new Error(explainAbsence(title, current, edit.oldText));
    if (place.offsets.length > 1 && !edit.replaceAll) {
      const lines = lineNumbersAt(current, place.offsets.slice(0, MAX_PLACES));
      throw new Error(
        `${title} was not made: its oldText is there ${place.offsets.length} times, at lines ${lines.join(", ")}` +
          `${place.offsets.length > MAX_PLACES ? ", …" : ""}. Give more of the lines around it, or set replaceAll.`,
      );
    }
    current = current.split(place.old).join(place.replacement);
    replacements += place.offsets.length;
  }
  return { text: current, replacements };
}

function explainAbsence(title: string, text: string, sought: string): string {
  const near = findNearestLines(text, sought);
  if (near.length === 0) {
    return `${title} was not made: its oldText is not in the file, and no line is like it. Read the file again.`;
  }
  const lines = near.map(({ line, text: found }) => numberLines([found], line)).join("\n");
  return `${title} was not made: its oldText is not in the file. The nearest lines are:\n${lines}`;
}
