/** What the Kubernetes login of Vault asks a cluster: whose token this is (`authentication.k8s.io/v1` TokenReview). */

/** Answers reviews: every token is good, and says itself whose it is. */
export function startTokenReview(): AsyncDisposable & { readonly url: string } {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { spec } = await request.json() as { readonly spec: { readonly token: string } };
    const [, payload = ""] = spec.token.split(".");
    const claims = JSON.parse(
      new TextDecoder().decode(Uint8Array.fromBase64(payload, { alphabet: "base64url" })),
    );
    const { namespace, serviceaccount } = claims["kubernetes.io"];
    return Response.json({
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      status: {
        authenticated: true,
        audiences: claims.aud,
        user: {
          username: `system:serviceaccount:${namespace}:${serviceaccount.name}`,
          uid: serviceaccount.uid,
          groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`],
        },
      },
    }, { status: 201 });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
