import { createMemoryApi } from "../../../server/testing/memory-api.ts";
import { createCoregitClient } from "../../client.ts";

/** A client of a whole server in memory, which counts what it sends. */
export async function createAppClient() {
  const api = await createMemoryApi();
  const sent: string[] = [];
  const cg = createCoregitClient({
    apiKey: api.apiKey,
    baseUrl: "http://memory.test",
    fetch: async (input, init) => {
      const request = new Request(input, init);
      sent.push(`${request.method} ${new URL(request.url).pathname}`);
      const aborted = new Promise<never>((_, reject) => {
        request.signal.addEventListener("abort", () => reject(request.signal.reason), { once: true });
      });
      return await Promise.race([api.memory.app.request(request), aborted]);
    },
  });
  return { api, cg, sent };
}
