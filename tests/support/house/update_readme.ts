import { join } from "@std/path";
import { withSections } from "./readme_tables.ts";
import { REPOSITORY } from "../repository.ts";

const path = join(REPOSITORY, "README.md");
await Deno.writeTextFile(path, withSections(await Deno.readTextFile(path)));
