# systemd as the first process, with the program where the units of docker/systemd look for it.
FROM core-webhook-module AS cwm

FROM debian:bookworm-slim
RUN apt-get -qq update \
    && apt-get -qq install -y --no-install-recommends curl dbus libnss-systemd procps systemd-sysv >/dev/null \
    && rm -rf /var/lib/apt/lists/*
COPY --from=cwm /app /app
COPY --from=cwm /deno-dir /deno-dir
COPY --from=cwm /usr/bin/deno /usr/bin/deno
# In the place of the binary that `deno task compile` makes.
RUN printf '%s\n' '#!/bin/sh' 'export DENO_DIR=/deno-dir' \
      'exec deno run --node-modules-dir=manual --cached-only --frozen --allow-all /app/src/main.ts "$@"' \
      > /usr/local/bin/cwm \
    && chmod +x /usr/local/bin/cwm
RUN mkdir /etc/core-webhook-module \
    && echo '{"orders": {"module": "log", "accept": "durable", "auth": "none"}}' \
      > /etc/core-webhook-module/webhooks.json
COPY *.service /etc/systemd/system/
STOPSIGNAL SIGRTMIN+3
CMD ["/lib/systemd/systemd"]
