# The server with its call page in it: `docker build -t sfu-server:0.1.0 .`

FROM node:24.20.0-bookworm-slim AS page
WORKDIR /src/sfu-server/web
COPY sfu-server/web/package.json sfu-server/web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY sfu-server/web/ ./
RUN npm run build

FROM rust:1.95.0-bookworm AS server
# `rust-toolchain.toml` asks for the newest stable release; an image is built by the one it names.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /src
COPY . .
COPY --from=page /src/sfu-server/web/dist sfu-server/web/dist
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release -p sfu-server \
    && cp target/release/sfu-server /sfu-server

# Of Debian only what a C program needs, and a user of its own: no shell, no package manager. It
# has no tags of releases; whoever needs the same image again pins its digest.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=server /sfu-server /usr/local/bin/sfu-server
USER 65532:65532
EXPOSE 7880/tcp 50051/tcp 9464/tcp 7882/udp
ENTRYPOINT ["/usr/local/bin/sfu-server"]
