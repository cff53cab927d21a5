import { createR2Files } from "../stores/r2-files.ts";
import { repoStoreContract } from "../testing/repo-store-contract.ts";
import { makeDurableRepo, workersEnv } from "../testing/workers-env.ts";

repoStoreContract(async () => {
  const { store } = await makeDurableRepo();
  return { store, files: createR2Files(workersEnv.PACKS) };
});
