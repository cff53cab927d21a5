/** Kinds of actors, as the log and payloads name them. */
export type ActorType = "key" | "token" | "signed" | "operator" | "system" | "anonymous";

/** What an actor is, by its id. */
export function findActorType(actor: string): ActorType {
  if (actor.startsWith("tok_")) return "token";
  // The subject of a signed token and the key that it was signed with; a sync's link has a colon and no @.
  if (actor.includes("@")) return "signed";
  if (actor === "operator" || actor === "system" || actor === "anonymous") return actor;
  return "key";
}
