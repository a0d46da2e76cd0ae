// SPDX-License-Identifier: Apache-2.0
// The API's JSON, as docs/openapi.json describes it. src/types.test.ts holds the two against each other.

/** A 64-bit number: text where a JavaScript number would lose digits (logic/json.ts). */
export type Exact = number | string | bigint;
export type Time = string;

export type Role = "viewer" | "operator" | "admin" | "root";
export type Verdict = "allow" | "deny";
export type Direction = "ingress" | "egress";
export type ClientType = "desktop" | "mobile" | "server" | "iot";
export type HubType = "gateway" | "regional" | "departmental" | "project";

export interface ErrorBody {
  error: { code: string; message: string };
}

export interface Session {
  account: string;
  role: Role;
  csrf: string | null;
  expires: Time | null;
  has_password: boolean;
}

export interface SecurityContext {
  user_identity: string | null;
  trust_score: number;
  quarantined: boolean;
  revoked: boolean;
}

export interface BandwidthStats {
  received: Exact;
  sent: Exact;
}

export interface Device {
  client_id: string;
  number: number;
  client_type: ClientType | null;
  hub_type: HubType | null;
  virtual_ip: string | null;
  virtual_ipv4: string | null;
  hub: string | null;
  hub_gone: "revoked" | "ended" | null;
  tags: string[];
  security_context: SecurityContext;
  identity: number;
  managed: boolean;
  connected: boolean;
  policy_refused: boolean;
  created: Time | null;
  last_seen: Time | null;
  bandwidth_stats: BandwidthStats;
  wireguard_public_key: string | null;
  wireguard_endpoint: string | null;
}

export interface Devices {
  devices: Device[];
}

export interface Datapath {
  wireguard: "kernel" | "userspace" | "none";
  interface: string;
  mtu: number;
  port: number;
  link_up: boolean;
  filters: boolean;
  policy_version: Exact;
  policy_refused: string | null;
  applied_version: Exact;
  lease_seconds_left: number;
  flows: Exact;
  events_lost: Exact;
}

export interface ControlPort {
  shared: boolean;
  port: number;
  second_port: number;
  steered: number;
  text: string;
}

export interface Mesh {
  wireguard: "kernel" | "userspace" | "none";
  interface: string;
  mtu: number;
  port: number;
  link_up: boolean;
  filters: boolean;
  hubs: number;
  hubs_connected: number;
}

export interface Recorder {
  state: "recording" | "off" | "failed";
  problem: string | null;
  rows: Exact;
  rows_max: Exact;
  lost_events: Exact;
  recorded_since: Time | null;
  set_aside: boolean;
}

export interface Status {
  version: string;
  client_id: string;
  client_type: ClientType | null;
  hub_type: HubType | null;
  gateway: boolean;
  known: boolean;
  virtual_ip: string | null;
  virtual_ipv4: string | null;
  epoch: Exact;
  record_version: Exact;
  policy_version: Exact;
  devices: number;
  hub: string | null;
  hub_gone: "revoked" | "ended" | null;
  hub_ends: Time | null;
  upstream: { connected: boolean; since: Time | null; age_seconds: number | null };
  processes: { kern: boolean; net: boolean; ca: boolean; web: boolean };
  datapath: Datapath | null;
  control: ControlPort | null;
  mesh: Mesh | null;
  recorder: Recorder | null;
  enforcing: boolean;
  problems: string[];
}

export interface Enforcement {
  hub: string;
  applied: boolean;
  after_microseconds: number | null;
}

export interface Change {
  enforced: Enforcement[];
}

export interface TokenRequest {
  client_type?: ClientType;
  hub_type?: "hub" | "regional" | "departmental" | "project";
  name?: string;
  owner?: string;
  hub?: string;
  fallback_hubs?: string[];
  parent_hub?: string;
  ends?: Time;
  tags?: string[];
  lifetime_seconds?: number;
}

export interface ClientRequest {
  client_type: ClientType;
  name: string;
  owner?: string;
  hub?: string;
  tags?: string[];
  wireguard_public_key: string;
}

export interface Client {
  device: Device;
  hub: Device;
  network: { prefixes: string[]; mtu: number };
  enforced: Enforcement[];
}

export interface Token {
  id: string;
  token: string;
  expires: Time;
}

export interface TokenInfo {
  id: string;
  client_type: ClientType | null;
  hub_type: "regional" | "departmental" | "project" | null;
  name: string | null;
  owner: string | null;
  hub: string | null;
  fallback_hubs: string[];
  parent_hub: string | null;
  ends: Time | null;
  tags: string[];
  expires: Time;
  used: Time | null;
  device: string | null;
}

export interface Hub {
  hub_id: number;
  hub_name: string;
  hub_type: HubType;
  parent_hub: string | null;
  ends: Time | null;
  connected: boolean;
  devices: number;
  devices_connected: number;
  wireguard_endpoint: string | null;
  control_endpoint: string | null;
  mesh_endpoint: string | null;
  applied_version: Exact | null;
  policy_behind: boolean;
  virtual_ip: string | null;
  virtual_ipv4: string | null;
}

export interface PolicyVersion {
  version: Exact;
  stored: Time | null;
  author: string | null;
  comment: string;
  rolled_back_to: Exact | null;
  bytes: Exact;
}

export interface Policy extends PolicyVersion {
  text: string;
}

export interface PolicyHistory {
  versions: PolicyVersion[];
  next: Exact | null;
}

export interface PolicyNew {
  text: string;
  comment?: string;
  based_on?: Exact;
}

export interface PolicyRollback {
  version: Exact;
  comment?: string;
  based_on?: Exact;
}

export interface PolicySet extends Change {
  version: Exact;
}

export interface DraftInfo {
  name: string;
  based_on: Exact;
  stored: Time | null;
  author: string;
  comment: string;
  bytes: Exact;
}

export interface Draft extends DraftInfo {
  text: string;
}

export interface Drafts {
  drafts: DraftInfo[];
}

export interface PolicyCheckRequest {
  text: string;
  changes?: boolean;
}

export interface PolicyFinding {
  kind: "never" | "shadowed" | "contradicted" | "redundant";
  rule: string | null;
  other_rule: string | null;
  line: number;
  column: number;
  sentence: string;
}

export interface PolicyTestResult {
  id: string;
  passed: boolean;
  line: number;
  column: number;
  sentence: string;
}

export interface PolicyDifference {
  kind: "rule" | "loses" | "gains";
  sources: number;
  destinations: number;
  sentence: string;
}

export interface PolicyCheck {
  valid: boolean;
  message: string | null;
  findings: PolicyFinding[];
  tests: PolicyTestResult[];
  changes: PolicyDifference[];
  complete: boolean;
}

/** What decides of a flow, by the policy in force or by the one that is tried. */
export interface ReplayVerdict {
  verdict: Verdict;
  reason_number: number;
  reason: string;
  rule: string | null;
}

export interface ReplayRule {
  now: ReplayVerdict;
  draft: ReplayVerdict;
  flows: Exact;
}

export interface ReplayChange {
  user: string | null;
  source: string | null;
  devices: number;
  destination: string | null;
  protocol: "tcp" | "udp" | "icmp";
  port: number;
  now: ReplayVerdict;
  draft: ReplayVerdict;
  flows: Exact;
  last: Time | null;
}

export interface ReplaySide {
  flows: Exact;
  users: Exact;
  unowned_devices: Exact;
}

export interface ReplayMissing {
  lost_events: Exact;
  damaged_rows: Exact;
  silences: Exact;
  silent_seconds: Exact;
  unknown_devices: Exact;
  stopped: Exact;
}

export interface PolicyReplay {
  since: Time | null;
  until: Time | null;
  recorded_since: Time | null;
  policy_version: Exact;
  flows: Exact;
  allowed_now: Exact;
  allowed_by_draft: Exact;
  would_deny: ReplaySide;
  would_allow: ReplaySide;
  rules: ReplayRule[];
  changes: ReplayChange[];
  more_changes: Exact;
  missing: ReplayMissing;
  took_milliseconds: Exact;
}

export interface RuleCondition {
  condition: string;
  met: boolean;
  asked: string | null;
}

export interface ExplainRequest {
  source: string;
  destination: string;
  protocol?: "tcp" | "udp" | "icmp" | "icmp4" | "icmp6";
  port?: number;
  at?: Time;
}

export interface Explanation {
  at: Time;
  until: Time | null;
  conditions: RuleCondition[];
  nearest_conditions: RuleCondition[];
  observed_rule: string | null;
  log: boolean;
  verdict: Verdict;
  reason_number: number;
  reason: string;
  text: string;
  rule: string | null;
  nearest_rule: string | null;
  policy_version: Exact;
  hub: string | null;
  destination_hub: string | null;
  source: Device;
  destination: Device;
}

export interface FlowEnd {
  client_id: string | null;
  hub: string | null;
  virtual_ip: string | null;
  port: number;
  identity: number;
}

export interface FlowEvent {
  serial: Exact;
  time: Time | null;
  kind: "new" | "changed" | "denied";
  verdict: Verdict;
  reason_number: number;
  reason: string;
  rule: string | null;
  observed_rule: string | null;
  log: boolean;
  generation: Exact;
  protocol: string;
  source: FlowEnd;
  destination: FlowEnd;
  source_trust_score: number;
  bytes: Exact;
  direction: Direction;
  hub: string | null;
}

export interface Flows {
  events: FlowEvent[];
  next: Exact;
  lost: Exact;
}

export interface RecordedSource {
  client_id: string | null;
  owner: string | null;
  identity: number;
  trust_score: number;
}

export interface RecordedDestination {
  client_id: string | null;
  identity: number;
}

export interface RecordedFlow {
  serial: Exact;
  time: Time | null;
  heard: Time | null;
  source: RecordedSource;
  destination: RecordedDestination;
  protocol: "tcp" | "udp" | "icmp";
  port: number;
  verdict: Verdict;
  reason_number: number;
  reason: string;
  rule: string | null;
  rule_number: number;
  observed_rule: string | null;
  observed_verdict: Verdict | null;
  policy_version: Exact | null;
  hub: string | null;
  flows: Exact;
  packets: Exact;
}

export interface RecordedFlows {
  flows: RecordedFlow[];
  next: Exact | null;
  recorded_since: Time | null;
  lost: Exact;
  damaged: Exact;
  silences: Exact;
}

export interface Passed {
  direction: Direction;
  packets: Exact;
  bytes: Exact;
}

export interface Dropped extends Passed {
  reason_number: number;
  reason: string;
  text: string;
}

export interface Drops {
  passed: Passed[];
  dropped: Dropped[];
  frames: Frames[] | null;
}

export interface Frames {
  direction: "from_hubs" | "to_hubs";
  packets: Exact;
  reason: string;
  text: string;
}

export interface Account {
  account: string;
  role: Role;
  has_password: boolean;
  created: Time;
  last_login: Time | null;
}

export interface NewLink {
  link: string;
  expires: Time;
}

export interface NewAccount extends NewLink {
  account: string;
  role: Role;
}

export interface ApiToken {
  id: string;
  name: string;
  role: Role;
  created: Time;
  expires: Time;
  last_used: Time | null;
}

export interface NewApiToken {
  id: string;
  token: string;
  expires: Time;
}

export interface AuditEvent {
  serial: Exact;
  time: Time;
  actor: string;
  what: string;
  object: string;
  detail: string;
}

export interface AuditEvents {
  events: AuditEvent[];
  next: Exact;
}

export interface IdentityInfo {
  identity: number;
  state: "waiting" | "announced" | "usable" | "ending" | "forgetting" | "resting";
  selectors: string[];
  devices: number;
}
