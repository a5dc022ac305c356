import { fromFileUrl } from "@std/path";

/** The root of the repository, without a slash at its end. */
export const REPOSITORY: string = fromFileUrl(new URL("../..", import.meta.url)).replace(/\/$/, "");
