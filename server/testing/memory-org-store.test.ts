import { orgStoreContract } from "../testing/org-store-contract.ts";
import { createMemoryOrgStore } from "./memory-org-store.ts";

orgStoreContract(async () => ({ store: createMemoryOrgStore(), slug: "acme" }));
