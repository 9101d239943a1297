/**
 * Every name that leaves this system by `/metrics`, in one tree. Prometheus' form: the unit last, `_total` after a counter.
 * Tenants, endpoints, events and ids are never labels: a label of unbounded values costs memory here and in every store behind.
 */
export const names = {
  info: 'spillway_app_info',
  unreadable: 'spillway_metrics_unreadable_total',
  process: {
    cpu: 'process_cpu_seconds_total',
    memory: 'process_resident_memory_bytes',
    uptime: 'process_uptime_seconds',
    heap: 'nodejs_heap_size_used_bytes',
    eventLoopLag: 'nodejs_eventloop_lag_seconds',
  },
  /** OpenTelemetry's stable HTTP conventions, as its Prometheus exporters spell them. */
  http: {
    duration: 'http_server_request_duration_seconds',
    inFlight: 'http_server_active_requests',
    connections: 'http_server_open_connections',
    connectionsMax: 'http_server_open_connections_max',
    connectionsRefused: 'spillway_http_connections_refused_total',
  },
} as const;

/** Names of labels, and of attributes of spans and log lines. */
export const attributes = {
  httpMethod: 'http_request_method',
  httpRoute: 'http_route',
  httpStatus: 'http_response_status_code',
} as const;
