import manifest from "../deno.json" with { type: "json" };

/** The version of this build, as `deno.json` states it. */
export const VERSION: string = manifest.version;
