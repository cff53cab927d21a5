import { installKernel } from "./git/bytes/kernel.ts";
import kernel from "./kernel/kernel.wasm";
import { createHandler, createQueueHandler } from "./wiring.ts";

export { LfsDO } from "./durable/lfs-do.ts";
export { OrgDO } from "./durable/org-do.ts";
export { PackFamilyDO } from "./durable/pack-family-do.ts";
export { RepoDO } from "./durable/repo-do.ts";
export { SessionDO } from "./durable/session-do.ts";
export { SyncDO } from "./durable/sync-do.ts";
export { createHandler, createQueueHandler };

installKernel(kernel);

export default { fetch: createHandler(), queue: createQueueHandler() };
