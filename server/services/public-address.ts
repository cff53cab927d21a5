/**
 * Which addresses a server may call on behalf of its users. Sources of the ranges: IANA's special-purpose registries for
 * IPv4 and IPv6 (RFC 6890 and updates). Only the address as written is judged: a name that resolves to a private
 * address has to be refused by the network (Cloudflare's egress reaches none; the local runtime is told to refuse).
 */

export interface AddressRules {
  /** Hosts that may be called whatever they are: `git.corp`, `127.0.0.1`, `127.0.0.1:8080`; lower case. */
  readonly allowedHosts: ReadonlySet<string>;
}

/** Reads a list of hosts as the variable OUTBOUND_HOSTS has it: separated by commas or spaces. */
export function parseAllowedHosts(text: string | undefined): ReadonlySet<string> {
  return new Set(
    (text ?? "")
      .toLowerCase()
      .split(/[\s,]+/)
      .filter((host) => host !== ""),
  );
}

/** Names that mean this machine or a private network (RFC 6761, 6762, 8375; ICANN's .internal). */
const PRIVATE_SUFFIXES = [
  "localhost",
  "local",
  "internal",
  "intranet",
  "private",
  "corp",
  "home",
  "lan",
  "home.arpa",
];

/** Why `url` may not be called, for people; null when it may. Call it for the target of each redirect too. */
export function findAddressFault(url: string | URL, rules: AddressRules): string | null {
  const parsed = parseUrl(url);
  if (parsed === null) return "is not an absolute URL";
  if (parsed.protocol !== "https:" && parsed.protocol !== "http:") return "must be an http or https URL";
  if (parsed.username !== "" || parsed.password !== "") return "must not contain credentials";
  if (isAllowedHost(parsed, rules)) return null;
  const host = parsed.hostname.replace(/\.$/, "");
  if (host.startsWith("[")) return isPublicV6(host.slice(1, -1)) ? null : "is not a public address";
  // The URL standard turns decimal, hexadecimal and octal forms into dotted ones.
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return isPublicV4(host) ? null : "is not a public address";
  if (
    !host.includes(".") ||
    PRIVATE_SUFFIXES.some((suffix) => host === suffix || host.endsWith(`.${suffix}`))
  ) {
    return "is not the name of a public host";
  }
  return null;
}

/** The operator has named this host. */
export function isAllowedHost({ host, hostname }: URL, { allowedHosts }: AddressRules): boolean {
  return allowedHosts.has(host.toLowerCase()) || allowedHosts.has(hostname.toLowerCase());
}

function parseUrl(url: string | URL): URL | null {
  if (typeof url !== "string") return url;
  return URL.canParse(url) ? new URL(url) : null;
}

/** First address and prefix length of what is not public. */
const PRIVATE_V4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10], // carrier-grade NAT; also Alibaba's metadata
  ["127.0.0.0", 8],
  ["169.254.0.0", 16], // link-local; metadata of the large clouds
  ["172.16.0.0", 12],
  ["192.0.0.0", 24], // protocol assignments; Oracle's metadata
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3], // multicast, reserved, broadcast
];

function isPublicV4(address: string): boolean {
  const value = readV4(address);
  return !PRIVATE_V4.some(([first, length]) => value >>> (32 - length) === readV4(first) >>> (32 - length));
}

function readV4(address: string): number {
  return address.split(".").reduce((value, part) => value * 256 + Number(part), 0) >>> 0;
}

/**
 * Global unicast (2000::/3) is public, except the special blocks in it. That leaves out ::, ::1, mapped and compatible
 * IPv4, NAT64 (64:ff9b::), unique local, link-local, site-local and multicast in one rule.
 */
function isPublicV6(address: string): boolean {
  const [first = 0, second = 0] = readV6(address);
  if (first >> 13 !== 1) return false;
  if (first === 0x2001 && (second < 0x0200 || second === 0x0db8)) return false; // Teredo, ORCHID, documentation
  if (first === 0x3fff && second < 0x1000) return false; // documentation
  return first !== 0x2002; // 6to4: an IPv4 address inside
}

/** The 16-bit groups; the URL standard leaves at most one `::` and no dotted part. */
function readV6(address: string): number[] {
  const [head = "", tail] = address.split("::");
  const parse = (text: string) =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  const before = parse(head);
  if (tail === undefined) return before;
  const after = parse(tail);
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}
