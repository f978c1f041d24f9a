# Celeriac as an image: docker build -t celeriac:0.1.0 .
# Another base, such as one with newer patches or a digest: --build-arg NODE_IMAGE=node:22-bookworm-slim@sha256:…
ARG NODE_IMAGE=node:22.17.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY src src
COPY bench bench
# Benches are built along, and start their servers as tests do.
COPY test test
COPY web web
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="celeriac" \
      org.opencontainers.image.description="Watches Celery" \
      org.opencontainers.image.licenses="Apache-2.0"
# In a container the loopback address reaches nobody; whoever publishes the port says who may come.
ENV NODE_ENV=production \
    CELERIAC_LISTEN=0.0.0.0:9808 \
    CELERIAC_LOG_FORMAT=json
WORKDIR /app
COPY --from=build /src/package.json ./
COPY --from=build /src/node_modules node_modules
COPY --from=build /src/dist dist
# A number: Kubernetes cannot check a name for being no root. Everything in the image belongs to root and stays as it is.
RUN mkdir -p /var/lib/celeriac && chown 65532:65532 /var/lib/celeriac
USER 65532:65532
EXPOSE 9808
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=5 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9808/livez').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/src/cli/main.js"]
