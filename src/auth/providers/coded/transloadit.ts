/**
 * Transloadit signs one field of a multipart form in another one. No data: the signature names its hash function.
 *
 * @module
 */

import { equalText } from "../../crypto/constant_time.ts";
import { HmacDigest } from "../../crypto/hmac_digest.ts";
import { type CodedScheme, fieldOf, formOf, textToSign, utf8, withMultipartForm } from "./coded_scheme.ts";

interface TransloaditRequest {
  readonly algorithm: "sha256" | "sha384";
  readonly signature: string;
  readonly content: string;
}

/** HMAC in hexadecimal with the auth secret (the signer of transloadit 4.7.4). */
export const transloadit: CodedScheme<TransloaditRequest> = {
  headers: [],
  needsUrl: false,
  read: async (request) => {
    const form = await formOf(request);
    const content = fieldOf(form, "transloadit");
    const parts = /^(sha256|sha384):([0-9a-f]+)$/.exec(fieldOf(form, "signature") ?? "");
    if (content === undefined || parts === null) return undefined;
    return { algorithm: parts[1] as "sha256" | "sha384", signature: parts[2]!, content };
  },
  signed: ({ content }) => content,
  prepare: (secret) => {
    const digests = {
      sha256: new HmacDigest("sha256", utf8(secret)),
      sha384: new HmacDigest("sha384", utf8(secret)),
    };
    return ({ algorithm, signature, content }) => equalText(digests[algorithm].hex(utf8(content)), signature);
  },
  sign: async (request, secret) => {
    const transloadit = textToSign(request.body);
    const signature = `sha384:${new HmacDigest("sha384", utf8(secret)).hex(utf8(transloadit))}`;
    return await withMultipartForm(request, { transloadit, signature });
  },
};
