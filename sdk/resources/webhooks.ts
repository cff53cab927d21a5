import type {
  Delivery,
  DeliveryDetails,
  Webhook,
  WebhookCreate,
  WebhookUpdate,
  WebhookUpdated,
  WebhookWithSecret,
} from "../contract/webhooks.ts";
import type { Result } from "../http/reply.ts";
import type { CallOptions, RequestFunction } from "../http/request.ts";
import type { PageQuery } from "./paging.ts";

/** Webhooks of the org: where it tells others of what happens. All calls take the master key. */
export class Webhooks {
  readonly #request: RequestFunction;

  constructor(request: RequestFunction) {
    this.#request = request;
  }

  /**
   * Makes a webhook; its secret is in this reply and nowhere else afterwards.
   *
   * @example
   * const { data } = await cg.webhooks.create({ url: "https://example.com/hook", events: ["push"] });
   * console.log(data?.secret);
   */
  create(body: WebhookCreate, options: CallOptions = {}): Promise<Result<WebhookWithSecret>> {
    return this.#request("POST /webhooks", { ...options, body });
  }

  /**
   * All webhooks, oldest first.
   *
   * @example
   * const { data } = await cg.webhooks.list();
   */
  list(options: CallOptions = {}): Promise<Result<{ webhooks: Webhook[] }>> {
    return this.#request("GET /webhooks", options);
  }

  /**
   * One webhook.
   *
   * @example
   * const { data } = await cg.webhooks.get("whk_…");
   */
  get(id: string, options: CallOptions = {}): Promise<Result<Webhook>> {
    return this.#request("GET /webhooks/:id", { ...options, params: { id } });
  }

  /**
   * Changes what is named; a secret that is set or made is in this reply and nowhere else afterwards.
   *
   * @example
   * await cg.webhooks.update("whk_…", { active: true });
   */
  update(id: string, body: WebhookUpdate, options: CallOptions = {}): Promise<Result<WebhookUpdated>> {
    return this.#request("PATCH /webhooks/:id", { ...options, params: { id }, body });
  }

  /**
   * Deletes a webhook with its deliveries.
   *
   * @example
   * await cg.webhooks.delete("whk_…");
   */
  delete(id: string, options: CallOptions = {}): Promise<Result<{ deleted: true }>> {
    return this.#request("DELETE /webhooks/:id", { ...options, params: { id } });
  }

  /**
   * Sends the event `ping`.
   *
   * @example
   * const { data } = await cg.webhooks.ping("whk_…");
   */
  ping(id: string, options: CallOptions = {}): Promise<Result<Delivery>> {
    return this.#request("POST /webhooks/:id/ping", { ...options, params: { id } });
  }

  /**
   * One page of deliveries, newest first.
   *
   * @example
   * const { data } = await cg.webhooks.deliveries("whk_…", { limit: 10 });
   */
  deliveries(
    id: string,
    query: PageQuery = {},
    options: CallOptions = {},
  ): Promise<Result<{ deliveries: Delivery[]; next_cursor: string | null }>> {
    return this.#request("GET /webhooks/:id/deliveries", { ...options, params: { id }, query });
  }

  /**
   * One delivery, with what was sent and answered.
   *
   * @example
   * const { data } = await cg.webhooks.delivery("whk_…", "dlv_…");
   */
  delivery(id: string, delivery: string, options: CallOptions = {}): Promise<Result<DeliveryDetails>> {
    return this.#request("GET /webhooks/:id/deliveries/:delivery", { ...options, params: { id, delivery } });
  }

  /**
   * Sends a delivery once more, under its id and with the same body.
   *
   * @example
   * await cg.webhooks.redeliver("whk_…", "dlv_…");
   */
  redeliver(id: string, delivery: string, options: CallOptions = {}): Promise<Result<Delivery>> {
    return this.#request("POST /webhooks/:id/deliveries/:delivery/redeliver", {
      ...options,
      params: { id, delivery },
    });
  }
}
