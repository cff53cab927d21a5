import type { ConnectionPatch, NewConnection } from "../ports/connection.ts";
import type { Idempotency } from "../ports/org.ts";
import { describeWrite, OPERATOR, type Subject } from "../services/events/describe-write.ts";
import {
  findConnectionRow,
  insertConnection,
  listConnectionRows,
  patchConnection,
  removeConnection,
} from "./org-connections.ts";
import { OrgEventMethods } from "./org-event-methods.ts";

/** Those calls of an org's object that are about credentials of other git servers. */
export abstract class OrgConnectionMethods<E> extends OrgEventMethods<E> {
  /** Fields of the instance: callers of the object reach what is on the prototype only. */
  protected abstract readonly clock: () => number;
  protected abstract readonly hasOrg: () => boolean;

  /** @throws Error when the org does not exist: whoever is authorised has one */
  async createConnection(connection: NewConnection, idempotency?: Idempotency, actor = OPERATOR) {
    if (!this.hasOrg()) throw new Error("the org does not exist; authorize first");
    return this.events.writeLogged(() => {
      const { sql } = this.ctx.storage;
      const created = insertConnection(sql, connection, { idempotency, nowMs: this.clock() });
      const { id, label, provider } = connection;
      if (created.kind === "created" && created.connection.id === id) {
        this.#log(actor, "create", { id, name: label, details: { provider } });
      }
      return created;
    });
  }

  async listConnections() {
    return this.hasOrg() ? listConnectionRows(this.ctx.storage.sql) : [];
  }

  async findConnection(id: string) {
    return this.hasOrg() ? findConnectionRow(this.ctx.storage.sql, id) : null;
  }

  /** Without an actor it is the server that notes something for itself. */
  async updateConnection(id: string, patch: ConnectionPatch, actor?: string): Promise<boolean> {
    if (!this.hasOrg()) return false;
    return this.events.writeLogged(() => {
      const found = patchConnection(this.ctx.storage.sql, id, { patch, nowMs: this.clock() });
      if (found && actor !== undefined) {
        const details = { fields: Object.keys(patch) };
        this.#log(actor, "update", { id, name: patch.label ?? null, details });
      }
      return found;
    });
  }

  async deleteConnection(id: string, actor = OPERATOR): Promise<boolean> {
    if (!this.hasOrg()) return false;
    return this.events.writeLogged(() => {
      const found = removeConnection(this.ctx.storage.sql, id);
      if (found) this.#log(actor, "delete", { id, name: null });
      return found;
    });
  }

  #log(actor: string, verb: string, subject: Subject): void {
    this.events.record(describeWrite(actor, `connection.${verb}`, subject));
  }
}
