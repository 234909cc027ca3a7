# Slidegate as an image: `docker build -t slidegate .`, then see compose.yaml.
# Without settings it listens on loopback inside the container only; config/container.yaml opens it up.

FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev && npm cache clean --force

FROM node:24-slim
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/tmp/node-compile-cache
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY src ./src
COPY config ./config
COPY rules ./rules
# The spool, writable by the user the gateway runs as; everything else belongs to root.
RUN install -d -o node -g node -m 0700 /app/data
USER node
VOLUME /app/data
# DICOM, console, metrics.
EXPOSE 11112 8080 9464
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/health/live').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# SIGTERM drains: give it more than `drain_limit` before it is killed.
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "src/main.ts"]
CMD ["serve"]
