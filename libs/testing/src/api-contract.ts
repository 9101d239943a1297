type Content = Readonly<Record<string, { schema: { allOf?: readonly { properties?: { code?: { enum?: readonly string[] } } }[] } }>>;
type Response = { headers?: Readonly<Record<string, { required?: boolean }>>; content?: Content };
type Responses = Readonly<Record<string, Response>>;
export type ApiDescription = { paths: Readonly<Record<string, Readonly<Record<string, { responses: Responses }>>>>; 'x-elsewhere': Responses };

export type SeenAnswer = { status: number; /** By name, in lower case. */ headers: Readonly<Record<string, string | undefined>>; body: string };

/** An OpenAPI document as something to hold answers against: a status, a media type, a code, or a header on an answer that does not name it, is a fault. */
export class ApiContract {
  /** Of all answers; what HTTP itself says (`date`, `connection`) is in no document. */
  private readonly headers: ReadonlySet<string>;

  constructor(private readonly api: ApiDescription) {
    const responses = [...Object.values(api.paths).flatMap((operations) => Object.values(operations).map((operation) => operation.responses)), api['x-elsewhere']];
    this.headers = new Set(responses.flatMap((of) => Object.values(of)).flatMap(({ headers = {} }) => Object.keys(headers)));
  }

  static async of(url: string): Promise<ApiContract> {
    return new ApiContract((await (await fetch(`${url}/openapi.json`)).json()) as ApiDescription);
  }

  /** Every `POST /v1/events 429 rate_limited` there is; an answer that is no problem has no code. */
  *answers(): IterableIterator<string> {
    for (const [path, operations] of Object.entries(this.api.paths)) {
      for (const [method, { responses }] of Object.entries(operations)) {
        for (const [status, { content = {} }] of Object.entries(responses)) {
          for (const { schema } of Object.values(content)) for (const code of codesOf(schema) ?? ['']) yield `${method.toUpperCase()} ${path} ${status} ${code}`.trim();
        }
      }
    }
  }

  /**
   * @param request as it went out; `undefined` for what is no request at all
   * @returns what nobody documented of it; `undefined`: nothing
   */
  fault(request: { method: string; path: string } | undefined, { status, headers, body }: SeenAnswer): string | undefined {
    const response = this.responsesTo(request)[status];
    if (response === undefined) return `the status ${status}: ${body.slice(0, 200)}`;
    for (const [name, { required }] of Object.entries(response.headers ?? {})) if (required === true && headers[name] === undefined) return `${status} without ${name}`;
    for (const name of this.headers) if (headers[name] !== undefined && response.headers?.[name] === undefined) return `${status} with ${name}`;
    const media = headers['content-type']?.split(';', 1)[0] ?? '';
    const content = response.content?.[media];
    if (content === undefined) return request?.method === 'HEAD' ? undefined : `${status} as ${media}`;
    const codes = codesOf(content.schema);
    if (codes === undefined || request?.method === 'HEAD') return undefined;
    const { code } = JSON.parse(body) as { code?: string };
    return codes.includes(code ?? '') ? undefined : `${status} with the code ${code}`;
  }

  private responsesTo(request: { method: string; path: string } | undefined): Responses {
    if (request === undefined) return this.api['x-elsewhere'];
    const method = request.method.toLowerCase();
    return this.api.paths[request.path]?.[method === 'head' ? 'get' : method]?.responses ?? this.api['x-elsewhere'];
  }
}

const codesOf = ({ allOf }: Content[string]['schema']): readonly string[] | undefined => allOf?.flatMap(({ properties }) => properties?.code?.enum ?? []);
