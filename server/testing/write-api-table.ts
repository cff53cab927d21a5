import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatApiDocument } from "./api-table.ts";
import { REPOSITORY_ROOT } from "./house/source-file.ts";

writeFileSync(join(REPOSITORY_ROOT, "docs/api.md"), formatApiDocument());
