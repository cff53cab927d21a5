/**
 * Every kind of credential, as what it sends and what it proves. A new kind is one more line of the list: the matrix
 * asks every endpoint for it.
 */
import { createSigningKey, type MintOptions, mintToken } from "../../../sdk/signing.ts";
import type { Holder, Proof, Rule } from "./policy.ts";
import { must } from "./server-under-test.ts";
import { ELSEWHERE, GUEST, HOST, SITUATIONS, type World } from "./world.ts";

export interface Caller {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly proof: Proof;
}

const NOBODY: Proof = { operator: false, holder: null, session: null };
/** The longest life, and the shortest: the one that runs out. */
const TOKEN_SECONDS = 2_592_000;
const SHORT_SECONDS = 3_600;
/** Still good when the short ones have run out. */
const DAY_SECONDS = 86_400;

/** Refs that a token with globs of refs may move, once for the server and once for the policy. */
const REF_GLOBS = ["agent-*", "refs/tags/agent-*", "refs/snapshots/agent-*"];
const isAgentRef = (ref: string) => /^refs\/(?:heads|tags|snapshots)\/agent-/.test(ref);
const PATH_GLOBS = ["src/**"];
const isSource = (path: string) => path.startsWith("src/");

type Scopes = Readonly<Record<string, unknown>>;
type RuleFor = Holder["ruleFor"];

/** The same rule for each name that the matrix asks about, whether or not there is a repository of that name. */
function scopeEach(rule: unknown): Scopes {
  return Object.fromEntries(SITUATIONS.map(({ repo }) => [`repos:${repo}`, rule]));
}

function ruleForEach(rule: Rule): RuleFor {
  return (repo) => (SITUATIONS.some((situation) => situation.repo === repo) ? rule : null);
}

interface Made {
  readonly secret: string;
  readonly id: string;
  readonly holder: Holder;
}

function createMint({ server, hostKey, guestKey }: World) {
  const keys: Readonly<Record<string, string>> = { [HOST]: hostKey, [GUEST]: guestKey };
  return {
    async token(org: string, scopes: Scopes, ruleFor: RuleFor, seconds = TOKEN_SECONDS): Promise<Made> {
      const body = { name: "matrix", scopes, expires_in: seconds };
      const headers = { "x-api-key": keys[org] ?? "" };
      const { id, token } = await must(server, { method: "POST", path: "/tokens", headers, body });
      const hasGlobs = SITUATIONS.some(({ repo }) => {
        const rule = ruleFor(repo);
        return rule?.mayMove !== undefined || rule?.mayChange !== undefined;
      });
      return { secret: token, id, holder: { org, id, isMaster: false, ruleFor, hasGlobs } };
    },
    async key(org: string): Promise<Made> {
      const headers = { "x-admin-key": server.adminKey };
      const made = await must(server, { method: "POST", path: `/admin/orgs/${org}/keys`, headers });
      return { secret: made.api_key, id: made.id, holder: masterOf(org, made.id) };
    },
    async session(secret: string): Promise<string> {
      const headers = { "x-api-key": secret };
      const opened = await must(server, { method: "POST", path: "/session", headers, body: {} });
      return opened.session_id;
    },
    async remove(path: string, headers: Readonly<Record<string, string>>): Promise<void> {
      await must(server, { method: "DELETE", path, headers });
    },
  };
}

function masterOf(org: string, id: string): Holder {
  return { org, id, isMaster: true, ruleFor: () => ({ writes: true }), hasGlobs: false };
}

const withKey = (name: string, secret: string, holder: Holder | null): Caller => ({
  name,
  headers: { "x-api-key": secret },
  proof: { ...NOBODY, holder },
});

function withSession(
  name: string,
  id: string,
  session: Proof["session"],
  more: Partial<Caller> = {},
): Caller {
  const headers = { ...more.headers, "x-session-id": id };
  return { name, headers, proof: { ...NOBODY, ...more.proof, session } };
}

/** All of them. Making them changes nothing that the matrix asks about. */
export async function createCallers(world: World): Promise<readonly Caller[]> {
  const { server, hostKey, hostKeyId, guestKey } = world;
  const mint = createMint(world);
  const host = masterOf(HOST, hostKeyId);
  const guest = masterOf(GUEST, "guest master");
  const reader = await mint.token(HOST, scopeEach(["read"]), ruleForEach({ writes: false }));
  const writer = await mint.token(HOST, scopeEach(["read", "write"]), ruleForEach({ writes: true }));
  const writesAll = await mint.token(HOST, { "repos:*": ["write"] }, () => ({ writes: true }));
  const others = await mint.token(HOST, { [`repos:${ELSEWHERE}`]: ["read", "write"] }, () => null);
  const guestToken = await mint.token(GUEST, { "repos:*": ["read", "write"] }, () => ({ writes: true }));
  const revoked = await mint.token(HOST, scopeEach(["read", "write"]), ruleForEach({ writes: true }));
  const expired = await mint.token(HOST, scopeEach(["read"]), ruleForEach({ writes: false }), SHORT_SECONDS);
  const lostKey = await mint.key(HOST);
  const closed = await mint.session(writer.secret);
  const orphan = await mint.session(revoked.secret);
  const orphanOfKey = await mint.session(lostKey.secret);
  await mint.remove(`/session/${closed}`, { "x-api-key": writer.secret });
  await mint.remove(`/tokens/${revoked.id}`, { "x-api-key": hostKey });
  await mint.remove(`/admin/keys/${lostKey.id}`, { "x-admin-key": server.adminKey });
  await server.expireToken(expired.id);
  const wrongEnd = hostKey.endsWith("0") ? "1" : "0";
  return [
    { name: "nothing", headers: {}, proof: NOBODY },
    withKey("a malformed key", "cgk_live_short", null),
    withKey("an unknown key of the org", hostKey.slice(0, -1) + wrongEnd, null),
    withKey("an unknown token of an unknown org", `cgt_${"x".repeat(40)}`, null),
    {
      name: "the operator's key",
      headers: { "x-admin-key": server.adminKey },
      proof: { ...NOBODY, operator: true },
    },
    withKey("the operator's key as if it were an org's", server.adminKey, null),
    { name: "a wrong operator's key", headers: { "x-admin-key": `${server.adminKey}x` }, proof: NOBODY },
    withKey("a master key", hostKey, host),
    {
      name: "a master key as a bearer token",
      headers: { authorization: `Bearer ${hostKey}` },
      proof: { ...NOBODY, holder: host },
    },
    withKey("a revoked master key", lostKey.secret, null),
    withKey("a master key of another org", guestKey, guest),
    withKey("a token that reads", reader.secret, reader.holder),
    withKey("a token that writes", writer.secret, writer.holder),
    withKey("a token that writes everywhere", writesAll.secret, writesAll.holder),
    ...(await createNarrowTokens(mint)),
    ...(await createSignedTokens(world)),
    withKey("a token for other repositories", others.secret, others.holder),
    withKey("a token of another org", guestToken.secret, guestToken.holder),
    withKey("an expired token", expired.secret, null),
    withKey("a revoked token", revoked.secret, null),
    withSession("a master key's session", await mint.session(hostKey), host),
    withSession("a reader's session", await mint.session(reader.secret), reader.holder),
    withSession("a writer's session", await mint.session(writer.secret), writer.holder),
    withSession("a session for other repositories", await mint.session(others.secret), others.holder),
    withSession("another org's session", await mint.session(guestKey), guest),
    withSession("a reader's session beside a master key", await mint.session(reader.secret), reader.holder, {
      headers: { "x-api-key": hostKey },
      proof: { ...NOBODY, holder: host },
    }),
    withSession(
      "a writer's session beside another org's key",
      await mint.session(writer.secret),
      writer.holder,
      {
        headers: { "x-api-key": guestKey },
        proof: { ...NOBODY, holder: guest },
      },
    ),
    withSession("a closed session", closed, "ended"),
    withSession("a session whose token was revoked", orphan, "ended"),
    withSession("a session whose key was revoked", orphanOfKey, "ended"),
    withSession("an unknown session", `ses_${"x".repeat(40)}`, "ended"),
    withSession("a malformed session beside a master key", "ses_1", "ended", {
      headers: { "x-api-key": hostKey },
      proof: { ...NOBODY, holder: host },
    }),
  ];
}

/** Tokens that an org has signed itself: they have the rights of others, and end with their key. */
async function createSignedTokens({ server, hostKey }: World): Promise<readonly Caller[]> {
  const headers = { "x-api-key": hostKey };
  const register = async (kid: string) => {
    const { privateKey, publicKey } = await createSigningKey();
    await must(server, { method: "POST", path: "/public-keys", headers, body: { kid, key: publicKey } });
    return (scopes: Scopes, more: Partial<MintOptions> = {}) =>
      mintToken({
        ...{ privateKey, kid, org: HOST, sub: "matrix", expiresIn: DAY_SECONDS },
        // Written as POST /tokens takes them.
        scopes: scopes as MintOptions["scopes"],
        ...more,
      });
  };
  const sign = await register("matrix-callers");
  const signDeleted = await register("matrix-deleted");
  const all = scopeEach(["read", "write"]);
  const dead = await signDeleted(all);
  await must(server, { method: "DELETE", path: "/public-keys/matrix-deleted", headers });
  const revoked = await sign(all, { jti: "matrix-revoked" });
  await must(server, { method: "POST", path: "/revoked-tokens", headers, body: { jti: "matrix-revoked" } });
  const holder = (id: string, rule: Rule): Holder => ({
    ...{ org: HOST, id, isMaster: false, ruleFor: ruleForEach(rule) },
    hasGlobs: rule.mayMove !== undefined || rule.mayChange !== undefined,
  });
  const writer = holder("signed writer", { writes: true });
  const byPath = holder("signed by path", { writes: true, mayChange: isSource });
  const globs = scopeEach({ ops: ["read", "write"], paths: PATH_GLOBS });
  return [
    withKey(
      "a signed token that reads",
      await sign(scopeEach(["read"])),
      holder("signed", { writes: false }),
    ),
    withKey("a signed token that writes", await sign(all), writer),
    withKey("a signed token that changes some paths", await sign(globs), byPath),
    withKey("a signed token of a deleted key", dead, null),
    withKey("a revoked signed token", revoked, null),
    withKey("a signed token of another org's name", await sign(all, { org: GUEST }), null),
  ];
}

/** Tokens whose rights end inside a repository, or differ from one to the next. */
async function createNarrowTokens(mint: ReturnType<typeof createMint>): Promise<readonly Caller[]> {
  const ops = ["read", "write"];
  const byRef = { writes: true, mayMove: isAgentRef };
  const byPath = { writes: true, mayChange: isSource };
  const both = { ...byRef, ...byPath };
  const refs = await mint.token(HOST, scopeEach({ ops, refs: REF_GLOBS }), ruleForEach(byRef));
  const paths = await mint.token(HOST, scopeEach({ ops, paths: PATH_GLOBS }), ruleForEach(byPath));
  const two = await mint.token(HOST, { "repos:*": { ops, refs: REF_GLOBS, paths: PATH_GLOBS } }, () => both);
  const all = await mint.token(HOST, { "repos:*": ["read"] }, () => ({ writes: false }));
  const exact = { "repos:*": ops, ...scopeEach(["read"]) };
  const narrower = await mint.token(HOST, exact, (repo) => ({
    writes: !SITUATIONS.some((situation) => situation.repo === repo),
  }));
  return [
    withKey("a token that moves some refs", refs.secret, refs.holder),
    withKey("a token that changes some paths", paths.secret, paths.holder),
    withKey("a token that moves some refs and changes some paths, everywhere", two.secret, two.holder),
    withKey("a token that reads everywhere", all.secret, all.holder),
    withKey("a token that writes everywhere but here", narrower.secret, narrower.holder),
  ];
}
