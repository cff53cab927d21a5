import { fileStoreContract } from "../testing/file-store-contract.ts";
import { workersEnv } from "../testing/workers-env.ts";
import { createR2Files } from "./r2-files.ts";

fileStoreContract(async () => createR2Files(workersEnv.PACKS));
