import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { CONFIG } from '@vitae/service-kit';
import type { ConsoleConfig } from '../config.ts';

/** Longest that the headers of a request may take to arrive, in milliseconds. */
const HEADERS_TIMEOUT = 20_000;
/** How long a connection is kept without a request; longer than load balancers keep theirs (60 s is usual), so that they close first. */
const KEEP_ALIVE = 75_000;

/** The server that the door listens with: what it is called, and how long it is patient. */
@Injectable()
export class HttpServer implements OnModuleInit {
  constructor(
    @Inject(CONFIG) private readonly config: ConsoleConfig,
    private readonly host: HttpAdapterHost,
  ) {}

  onModuleInit(): void {
    const server = this.#server;
    server.headersTimeout = HEADERS_TIMEOUT;
    // An upload of gigabytes takes its time; one that comes to a stand is given up by `bodyPace`.
    server.requestTimeout = 0;
    server.keepAliveTimeout = KEEP_ALIVE;
  }

  /** The origin that browsers know us by. In local mode, unless it is set, where we listen. */
  get origin(): string {
    if (this.config.VITAE_PUBLIC_URL !== undefined) return this.config.VITAE_PUBLIC_URL;
    const host = /^(0\.0\.0\.0|::|)$/.test(this.config.HOST) ? '127.0.0.1' : this.config.HOST;
    const port = (this.#server.address() as AddressInfo | null)?.port ?? this.config.PORT;
    return new URL(`${this.config.HTTPS_CERT_FILE === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`).origin;
  }

  get #server(): Server {
    return this.host.httpAdapter.getHttpServer() as Server;
  }
}
