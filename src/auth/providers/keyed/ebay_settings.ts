/**
 * Settings of `signature` that say where eBay's keys are asked for.
 *
 * @module
 */

import { z } from "zod";
import { allowedHostsField, urlField } from "../../../io/destination_fields.ts";
import { reportAt, secretField } from "../../../schema/fields.ts";
import { parseServer } from "../../servers/server_fields.ts";
import type { EbayApi } from "./ebay_keys.ts";

/** Of production. The sandbox has one of its own. */
const API_URL = "https://api.ebay.com";

/** The fields, none of which has a default: what is not written has no effect. */
export const ebayFields = {
  client_id: z.string().min(1).optional().meta({
    description: "The id of your application at eBay, which asks for its public keys.",
  }),
  client_secret: secretField().optional().meta({ description: "The secret of that application." }),
  api_url: urlField().optional().meta({
    description:
      `Where eBay's API is. Default: \`${API_URL}\`; \`https://api.sandbox.ebay.com\` is that of the sandbox.`,
  }),
  allowed_hosts: allowedHostsField().unwrap().optional().meta({
    description: "Hosts that `api_url` may name besides public ones, as with `jwt`.",
  }),
};

/** What of the settings concerns eBay. */
export interface EbaySettings {
  readonly client_id?: string | undefined;
  readonly client_secret?: string | undefined;
  readonly api_url?: string | undefined;
  readonly allowed_hosts?: readonly string[] | undefined;
  readonly public_keys?: Readonly<Record<string, string>> | undefined;
}

/** The application and the API; `undefined` where there is none, or a problem was reported. */
export function ebayApiOf(given: EbaySettings, issues: z.RefinementCtx): EbayApi | undefined {
  const { client_id: clientId, client_secret: clientSecret, api_url = API_URL, allowed_hosts = [] } = given;
  if (clientId === undefined && clientSecret === undefined) {
    if (given.public_keys !== undefined) return undefined;
    reportAt(issues, "client_id", "Is missing, and so is 'client_secret': or set 'public_keys'");
    return undefined;
  }
  if (clientId === undefined || clientSecret === undefined) {
    reportAt(issues, clientId === undefined ? "client_id" : "client_secret", "Is missing");
    return undefined;
  }
  const server = parseServer("api_url", api_url, allowed_hosts, issues);
  return server && { server, clientId, clientSecret };
}
