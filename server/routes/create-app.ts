import { Hono } from "hono";
import { allowOrigin, answerPreflight, isPreflight } from "../middleware/cors.ts";
import type { Log } from "../middleware/error-reply.ts";
import { type FrameDeps, frameRequest, type RequestScope } from "../middleware/frame.ts";
import { createDispatch, type DispatchDeps } from "./dispatch.ts";
import { answerGit } from "./git-mount.ts";
import type { LfsParts } from "./lfs-http.ts";
import { answerLfs } from "./lfs-mount.ts";
import { parseLfsPath } from "./lfs-path.ts";
import type { HandlerMap } from "./router.ts";

/** What the app is made of, whichever platform provides it. */
export interface AppParts extends DispatchDeps, FrameDeps {
  readonly log: Log;
  /** null: this deployment keeps no large files. */
  readonly lfs: LfsParts | null;
}

/** The whole server as a Hono app: the API below /v1, git elsewhere. HEAD is answered as GET without its body. */
export function createHttpApp(parts: AppParts, handlers: Partial<HandlerMap>): Hono {
  const dispatch = createDispatch(parts, handlers);
  const app = new Hono();
  // One handler a path: Hono then calls it without composing middleware.
  app.all("/v1/*", async (c) => {
    const request = c.req.raw;
    const response = await frameRequest(parts, request, async (scope) =>
      isPreflight(request) ? answerPreflight() : dispatch(request, scope),
    );
    allowOrigin(request, response.headers);
    return response;
  });
  app.all("*", (c) => frameRequest(parts, c.req.raw, (scope) => answerOutside(parts, c.req.raw, scope)));
  return app;
}

/** Addresses outside /v1: large files and git, both below a repository's `.git`. */
async function answerOutside(parts: AppParts, request: Request, scope: RequestScope): Promise<Response> {
  const { lfs } = parts;
  const route = lfs && parseLfsPath(request);
  return route
    ? await answerLfs({ ...parts, lfs }, request, { route, scope })
    : await answerGit(parts, request, scope);
}
