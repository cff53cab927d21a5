/** Annotated tag: `object`, `type`, `tag`, `tagger`?, blank line, message. Source: git-mktag(1). */
import { type ByteString, byteStringToBytes } from "../bytes/text.ts";
import { GitError } from "../errors.ts";
import { isObjectType, type ObjectType } from "../hash/object-type.ts";
import { isOid, type Oid } from "../hash/oid.ts";
import { formatHeaderBlock, type Header, parseHeaderBlock } from "./headers.ts";
import { formatIdentity, type Identity, parseIdentity } from "./identity.ts";

export interface Tag {
  readonly target: Oid;
  readonly targetType: ObjectType;
  readonly name: ByteString;
  /** Absent in some tags of before 2005. */
  readonly tagger: Identity | null;
  readonly extra: readonly Header[];
  readonly message: ByteString;
}

/** @throws GitError corrupt-object */
export function decodeTag(data: Uint8Array): Tag {
  const { headers, message } = parseHeaderBlock(data);
  const [object, type, name] = headers;
  if (object?.name !== "object" || !isOid(object.value))
    throw new GitError("corrupt-object", "tag without object");
  if (type?.name !== "type" || !isObjectType(type.value))
    throw new GitError("corrupt-object", "tag without type");
  if (name?.name !== "tag") throw new GitError("corrupt-object", "tag without name");
  const tagger = headers[3]?.name === "tagger" ? parseIdentity(headers[3].value) : null;
  return {
    target: object.value,
    targetType: type.value,
    name: name.value,
    tagger,
    extra: headers.slice(tagger ? 4 : 3),
    message,
  };
}

/** @throws GitError invalid-identity */
export function encodeTag(tag: Tag): Uint8Array {
  const headers: Header[] = [
    { name: "object", value: tag.target as string as ByteString },
    { name: "type", value: tag.targetType as string as ByteString },
    { name: "tag", value: tag.name },
  ];
  if (tag.tagger) headers.push({ name: "tagger", value: formatIdentity(tag.tagger) });
  headers.push(...tag.extra);
  return byteStringToBytes(formatHeaderBlock({ headers, message: tag.message }));
}
