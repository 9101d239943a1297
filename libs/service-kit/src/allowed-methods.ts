import type { FastifyInstance } from 'fastify';

/** Fastify answers 404 where only the method is wrong. Kept from the routes as they are registered; looked at only after a miss. */
export class AllowedMethods {
  private readonly routes: { pattern: RegExp; methods: readonly string[] }[] = [];

  constructor(fastify: FastifyInstance) {
    fastify.addHook('onRoute', ({ method, url }) => {
      this.routes.push({ pattern: patternOf(url), methods: [method].flat() });
    });
  }

  on(path: string): string[] {
    const found = this.routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods);
    return [...new Set(found)].toSorted();
  }
}

/** `/v1/tenants/:tenant/*` */
const patternOf = (url: string): RegExp => {
  const source = url.replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`).replace(/:\w+/g, '[^/]+').replaceAll('*', '.*');
  return new RegExp(`^${source}/?$`);
};
