import type { Tracing } from "../observability/tracing.ts";
import type { Router } from "./router.ts";

/**
 * The handler for `Deno.serve`. Where traces are recorded, the span of each request has the template of its route,
 * by which the runtime's own `http.server.request.duration` is labelled too, and not its query.
 */
export function tracedHandler(
  router: Router,
  tracing: Tracing | undefined,
): Deno.ServeHandler<Deno.NetAddr> {
  if (tracing === undefined) return router.handle;
  return (request, info) => {
    tracing.hideQuery(request.url);
    const template = router.templateOf(request.url);
    if (template !== undefined) tracing.setRoute(request.method, template);
    return router.handle(request, info);
  };
}
