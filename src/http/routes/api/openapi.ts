import { textResponse } from "../../responses.ts";
import type { Route } from "../../router.ts";
import { describeApi } from "./document.ts";

/**
 * `/openapi.json`: what this gateway answers, for everybody: it says nothing of the configuration.
 *
 * @param others all other routes that there are
 */
export function descriptionRoute(others: readonly Route[]): Route {
  let text: string | undefined;
  const route: Route = {
    path: "/openapi.json",
    methods: {
      GET: (_request, id) => {
        text ??= JSON.stringify(describeApi([...others, route])) + "\n";
        return textResponse(200, text, "application/json", id);
      },
    },
  };
  return route;
}
