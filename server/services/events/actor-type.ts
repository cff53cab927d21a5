/** Kinds of actors, as the log and payloads name them. */
export type ActorType = "key" | "token" | "operator" | "system" | "anonymous";

/** What an actor is, by its id. */
export function findActorType(actor: string): ActorType {
  if (actor.startsWith("tok_")) return "token";
  if (actor === "operator" || actor === "system" || actor === "anonymous") return actor;
  return "key";
}
