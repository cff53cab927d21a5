/** Every package of the lock file is there in its version. */
export function isInstalled(root?: string): boolean;
/** No output of a build is missing or older than its sources. */
export function isBuilt(root?: string): boolean;
