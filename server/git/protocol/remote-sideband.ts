import { GitError } from "../errors.ts";
import type { PktReader } from "./pkt-reader.ts";
import { printable } from "./remote-refs.ts";

/** Progress is for people and nobody looks here; a server that only talks is cut off. */
export const MAX_PROGRESS_BYTES = 16 * 1024 * 1024;

/**
 * The data of a side-band stream (band 1), up to its flush. Source: gitprotocol-pack(5), "Packfile Data".
 * @throws GitError protocol when the server reports an error (band 3), breaks off, or sends anything else;
 *   limit-exceeded after {@link MAX_PROGRESS_BYTES} of progress
 */
export async function* readBands(reader: PktReader): AsyncGenerator<Uint8Array> {
  let progressBytes = 0;
  for (;;) {
    const pkt = await reader.read();
    if (pkt?.kind === "flush") return;
    if (pkt === null) throw new GitError("protocol", "the remote broke off");
    if (pkt.kind !== "data")
      throw new GitError("protocol", `the remote sent an unexpected ${pkt.kind} packet`);
    const band = pkt.payload[0];
    const data = pkt.payload.subarray(1);
    if (band === 1) {
      if (data.length > 0) yield data;
    } else if (band === 2) {
      progressBytes += pkt.payload.length;
      if (progressBytes > MAX_PROGRESS_BYTES) {
        throw new GitError(
          "limit-exceeded",
          `the remote sent more than ${MAX_PROGRESS_BYTES} bytes of progress`,
        );
      }
    } else if (band === 3) {
      throw new GitError("protocol", `the remote says: ${printable(Buffer.from(data).toString("latin1"))}`);
    } else if (Buffer.from(pkt.payload.subarray(0, 4)).toString("latin1") === "ERR ") {
      throw new GitError(
        "protocol",
        `the remote says: ${printable(Buffer.from(pkt.payload.subarray(4)).toString("latin1"))}`,
      );
    } else {
      throw new GitError("protocol", `the remote sent band ${band ?? "none"}`);
    }
  }
}
