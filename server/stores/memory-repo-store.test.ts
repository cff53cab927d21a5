import { planRootFiles } from "../testing/plan-root-files.ts";
import { repoStoreContract } from "../testing/repo-store-contract.ts";
import { createMemoryFiles } from "./memory-files.ts";
import { createMemoryRepoStore } from "./memory-repo-store.ts";

repoStoreContract(async () => {
  const files = createMemoryFiles();
  return { files, store: createMemoryRepoStore({ planCommit: planRootFiles, files }) };
});
