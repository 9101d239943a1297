import { anyRouteProblems, noRouteProblems, PROBLEM_TYPE } from '@spillway/service-kit';
import type { Schema } from './dto-schema.ts';
import { answerHeaders, requestHeaders } from './headers.ts';
import { routes, type Answer, type Problems, type RouteDeclaration } from './routes.ts';
import { schemas, type SchemaName } from './schemas.ts';

const ref = (name: SchemaName): Schema => ({ $ref: `#/components/schemas/${name}` });

type HeaderName = keyof typeof answerHeaders;

/** Headers that every one of them has are promised; those of some, or only sometimes, are possible. */
const headersOf = (each: readonly (readonly string[])[], sometimes: readonly string[] = []): { headers?: Schema } => {
  const names = [...new Set([...each.flat(), ...sometimes])] as HeaderName[];
  if (names.length === 0) return {};
  return { headers: Object.fromEntries(names.map((name) => [name, { ...answerHeaders[name], required: each.every((some) => some.includes(name)) }])) };
};

const answered = ({ means, media, schema, sometimes }: Answer): Schema => ({
  description: means,
  ...headersOf([[]], sometimes),
  content: { [media]: { schema: ref(schema) } },
});

const problemSchema = (status: number, codes: readonly string[]): Schema => ({
  allOf: [ref('Problem'), { properties: { status: { const: status }, code: { enum: codes } } }],
});

/** Codes share statuses, and a response is one status. */
const problemResponses = (problems: Problems): Record<string, Schema> => {
  const byStatus = Map.groupBy(Object.entries(problems), ([, { status }]) => status);
  return Object.fromEntries(
    [...byStatus].map(([status, rows]) => [
      String(status),
      {
        description: rows.map(([code, { means }]) => `\`${code}\`: ${means}`).join('; '),
        ...headersOf(
          rows.map(([, { headers = [] }]) => headers),
          rows.flatMap(([, { sometimes = [] }]) => sometimes),
        ),
        content: { [PROBLEM_TYPE]: { schema: problemSchema(status, rows.map(([code]) => code)) } },
      },
    ]),
  );
};

/** A status that is an answer here and a problem there (503 of `/readyz`) has both kinds of content; what headers the problem promises are only possible. */
const together = (ours: Schema, problem: Schema): Schema => ({
  description: `${String(ours['description'])} ${String(problem['description'])}`,
  ...headersOf([[]], Object.keys({ ...(ours['headers'] as Schema), ...(problem['headers'] as Schema) })),
  content: { ...(ours['content'] as Schema), ...(problem['content'] as Schema) },
});

const responsesOf = ({ answers, problems }: RouteDeclaration): Schema => {
  const responses = problemResponses({ ...anyRouteProblems, ...problems });
  for (const [status, answer] of Object.entries(answers)) {
    const [ours, problem] = [answered(answer), responses[status]];
    responses[status] = problem === undefined ? ours : together(ours, problem);
  }
  return responses;
};

const operationOf = (route: RouteDeclaration): Schema => ({
  operationId: `${route.method} ${route.path}`.replaceAll(/\W+(\w)?/g, (_, next: string | undefined) => next?.toUpperCase() ?? ''),
  summary: route.summary,
  ...(route.description !== undefined && { description: route.description }),
  security: route.scope === undefined ? [] : [{ key: [route.scope] }],
  ...(route.requestHeaders && { parameters: route.requestHeaders.map((name) => ({ name, in: 'header', required: false, ...requestHeaders[name] })) }),
  ...(route.bodies && { requestBody: { required: true, content: Object.fromEntries(Object.entries(route.bodies).map(([media, name]) => [media, { schema: ref(name) }])) } }),
  responses: responsesOf(route),
});

const pathsOf = (): Schema => {
  const byPath = Map.groupBy(routes, ({ path }) => path);
  return Object.fromEntries([...byPath].map(([path, of]) => [path, Object.fromEntries(of.map((route) => [route.method, operationOf(route)]))]));
};

/** OpenAPI 3.1, made of the declarations and of nothing else. */
export const openApiDocument = (): Schema => ({
  openapi: '3.1.0',
  info: {
    title: 'Spillway ingest',
    version: 'v1',
    summary: 'Where producers hand their events over.',
    description: 'JSON over HTTP/1.1. What went wrong is a problem document (RFC 9457) with a stable `code`.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: '/' }],
  paths: pathsOf(),
  // what other paths and other methods answer has no place among the operations
  'x-elsewhere': problemResponses({ ...anyRouteProblems, ...noRouteProblems }),
  components: {
    securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'A key with the scope that is named beside it.' } },
    schemas,
  },
});
