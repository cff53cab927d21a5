/** report-status: `unpack ok|reason`, then `ok name` or `ng name reason`. Source: gitprotocol-pack(5), "Report Status". */
import { concatBytes } from "../bytes/bytes.ts";
import { encodeUtf8 } from "../bytes/text.ts";
import { encodePkt, FLUSH_PKT } from "./pkt-line.ts";
import { encodeSideband } from "./sideband.ts";

export interface CommandReport {
  readonly rawName: Uint8Array;
  /** Why the ref did not move; null = it did. */
  readonly error: string | null;
}

export interface PushReport {
  /** null = `unpack ok`. */
  readonly unpackError: string | null;
  readonly commands: readonly CommandReport[];
}

const MAX_REASON_CHARS = 1_000;

/**
 * The report as the client asked for it: inside band 1 and followed by a flush, or bare.
 * report-status-v2 adds lines only for refs that the server moved elsewhere than asked; this one never does.
 */
export function encodePushReport(report: PushReport, sideband: boolean): Uint8Array {
  const lines = [encodePkt(`unpack ${formatReason(report.unpackError ?? "ok")}\n`)];
  for (const command of report.commands) lines.push(encodeCommandReport(command));
  lines.push(FLUSH_PKT);
  const bytes = concatBytes(lines);
  return sideband ? concatBytes([encodeSideband(1, bytes), FLUSH_PKT]) : bytes;
}

function encodeCommandReport(report: CommandReport): Uint8Array {
  if (report.error === null)
    return encodePkt(concatBytes([encodeUtf8("ok "), report.rawName, encodeUtf8("\n")]));
  const reason = encodeUtf8(` ${formatReason(report.error)}\n`);
  return encodePkt(concatBytes([encodeUtf8("ng "), report.rawName, reason]));
}

/** One line: a line feed would start a new record. */
function formatReason(reason: string): string {
  return reason.replace(/\p{Cc}+/gu, " ").slice(0, MAX_REASON_CHARS);
}
