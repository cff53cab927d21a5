import { fileStoreContract } from "../testing/file-store-contract.ts";
import { createMemoryFiles } from "./memory-files.ts";

fileStoreContract(async () => createMemoryFiles());
