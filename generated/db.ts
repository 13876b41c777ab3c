/** The database's tables, from the migrations by scripts/codegen-db.ts. Not edited by hand. */
import type { ColumnType } from 'kysely';

/** A column that may be left out of an INSERT. */
export type Generated<T> = T extends ColumnType<infer S, infer I, infer U> ? ColumnType<S, I | undefined, U> : ColumnType<T, T | undefined, T>;
/** A column that PostgreSQL computes. */
export type Computed<T> = ColumnType<T, never, never>;

/** Read as RFC 3339 text in UTC. */
export type Timestamp = ColumnType<string, string | Date, string | Date>;

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
/** Read as a value, written as JSON text: pg would make a PostgreSQL array of a JavaScript one. */
export type Json = ColumnType<JsonValue, string, string>;

export interface Advisories {
  id: string;
  vulnerability_id: number;
  names: string[];
  modified_at: Timestamp;
  content_hash: Buffer;
  withdrawn_at: Timestamp | null;
  facts: Json;
  imported_at: Generated<Timestamp>;
  origin: Generated<'osv' | 'dependency_track'>;
}

export interface AdvisoryRanges {
  id: Computed<number>;
  advisory_id: string;
  ecosystem: string;
  match_name: string;
  introduced: string | null;
  introduced_key: Buffer | null;
  fixed: string | null;
  fixed_key: Buffer | null;
  last_affected: string | null;
  last_key: Buffer | null;
  exact: Generated<string[]>;
  key_revision: Generated<number>;
  limited: string | null;
  weak: Generated<boolean>;
  imports: Generated<string[]>;
}

export interface AdvisorySources {
  name: string;
  imported_at: Timestamp | null;
  records: Generated<number>;
  refused: Generated<number>;
  newest_modified_at: Timestamp | null;
  tried_at: Generated<Timestamp>;
  error: string | null;
  failures: Generated<number>;
  digest: Buffer | null;
  validators: Generated<Json>;
}

export interface ApiKeys {
  id: Generated<string>;
  name: string;
  scope: 'org' | 'team' | 'project';
  team_id: string | null;
  project_id: string | null;
  prefix: string;
  key_hash: Buffer;
  allowed_actions: string[];
  created_by_user_id: string | null;
  expires_at: Timestamp | null;
  last_used_at: Timestamp | null;
  last_used_ip: string | null;
  revoked_at: Timestamp | null;
  created_at: Generated<Timestamp>;
}

export interface Approvals {
  id: Generated<string>;
  project_id: string;
  component_id: string;
  license_expression: string | null;
  status: Generated<'pending' | 'under_review' | 'approved' | 'rejected'>;
  requested_by_user_id: string | null;
  requested_at: Generated<Timestamp>;
  decided_by_user_id: string | null;
  decided_at: Timestamp | null;
  decision_note: string | null;
  version: Generated<number>;
  updated_at: Generated<Timestamp>;
}

export interface AuditLog {
  id: Generated<string>;
  created_at: Generated<Timestamp>;
  actor_kind: 'user' | 'api_key' | 'system' | 'anonymous';
  actor_user_id: string | null;
  actor_email: string | null;
  actor_key_prefix: string | null;
  team_id: string | null;
  operation: string;
  action: string;
  target_table: string;
  target_id: string | null;
  request_id: string | null;
  ip: string | null;
  user_agent: string | null;
  diff: Json | null;
  project_id: string | null;
}

export interface Backups {
  name: string;
  kind: 'auto' | 'manual';
  status: Generated<'running' | 'succeeded' | 'failed'>;
  progress_percent: Generated<number>;
  size_bytes: Generated<number>;
  sha256: Buffer | null;
  is_encrypted: boolean;
  db_revision: string | null;
  error_message: string | null;
  created_at: Generated<Timestamp>;
  seen_at: Generated<Timestamp>;
  finished_at: Timestamp | null;
}

export interface BlobChunks {
  blob_id: string;
  seq: number;
  data: Buffer;
}

export interface Blobs {
  id: Generated<string>;
  byte_size: number;
  sha256: Buffer;
  file_name: string | null;
  created_at: Generated<Timestamp>;
}

export interface ChannelDeliveries {
  id: Generated<string>;
  channel_id: string;
  message_id: string;
  kind: string;
  state: Generated<'pending' | 'delivered' | 'failed'>;
  attempts: Generated<number>;
  next_attempt_at: Generated<Timestamp>;
  last_attempt_at: Timestamp | null;
  response_status: number | null;
  error: string | null;
  duration_ms: number | null;
  delivered_at: Timestamp | null;
  created_at: Generated<Timestamp>;
}

export interface ChannelMessages {
  id: Generated<string>;
  notice_id: number | null;
  kind: string;
  title: string;
  body: string;
  link: string | null;
  event: Json;
  created_at: Generated<Timestamp>;
}

export interface CircuitBreakers {
  name: string;
  failures: Generated<number>;
  openings: Generated<number>;
  open_until: Timestamp | null;
  probe_until: Timestamp | null;
  error: string | null;
  failed_at: Timestamp | null;
  succeeded_at: Timestamp | null;
}

export interface Components {
  id: Generated<string>;
  project_id: string;
  package_version_id: number;
  purl: string;
  created_at: Generated<Timestamp>;
  installed: string | null;
}

export interface ConcludedLicenses {
  component_id: string;
  project_id: string;
  expression: string;
  justification: string;
  concluded_by_user_id: string | null;
  version: Generated<number>;
  created_at: Generated<Timestamp>;
  updated_at: Generated<Timestamp>;
}

export interface DiskAlerts {
  level: 'warning' | 'hard';
  told_at: Timestamp;
}

export interface DocumentKeys {
  kid: string;
  public_jwk: Json;
  private_sealed: Buffer | null;
  created_at: Generated<Timestamp>;
}

export interface ExploitPredictions {
  cve_id: string;
  score: number;
  percentile: number;
}

export interface ExploitedVulnerabilities {
  cve_id: string;
  added_on: string;
  due_on: string | null;
}

export interface FindingDecisions {
  project_id: string;
  package_id: number;
  vulnerability_id: number;
  status: 'exploitable' | 'not_affected' | 'false_positive' | 'suppressed' | 'fixed';
  justification: string | null;
  justification_code: string | null;
  suppressed_until: Timestamp | null;
  source: 'manual' | 'vex_import';
  vex_origin: Json | null;
  analyst_user_id: string | null;
  decided_at: Timestamp;
}

export interface FindingEvents {
  id: Computed<number>;
  finding_id: string;
  kind: 'opened' | 'resolved' | 'returned' | 'triaged' | 'carried' | 'expired' | 'merged' | 'split';
  source: 'scan' | 'import' | 'manual' | 'vex_import' | 'time';
  from_status: string | null;
  to_status: string;
  justification: string | null;
  justification_code: string | null;
  actor_user_id: string | null;
  request_id: string | null;
  created_at: Generated<Timestamp>;
}

export interface FindingIds {
  id: string | null;
  finding_id: string | null;
}

export interface Findings {
  id: Generated<string>;
  project_id: string;
  component_id: string;
  vulnerability_id: number;
  status: Generated<'new' | 'analyzing' | 'exploitable' | 'not_affected' | 'false_positive' | 'suppressed' | 'fixed'>;
  resolved_at: Timestamp | null;
  justification: string | null;
  justification_code: string | null;
  analysis_source: 'manual' | 'vex_import' | null;
  analyst_user_id: string | null;
  analyzed_at: Timestamp | null;
  suppressed_until: Timestamp | null;
  version: Generated<number>;
  first_detected_at: Generated<Timestamp>;
  created_at: Generated<Timestamp>;
  updated_at: Generated<Timestamp>;
  decision_scope: 'version' | 'package' | null;
  vex_origin: Json | null;
  resolved_from: string | null;
  in_current_scan: Generated<boolean>;
  severity_rank: Generated<number>;
  kev: Generated<boolean>;
  fixable: Generated<boolean>;
  priority: Generated<number>;
  listed: Computed<boolean | null>;
  sources: Generated<string[]>;
}

export interface GateChecks {
  id: Computed<number>;
  project_id: string;
  cause: 'scan' | 'triage' | 'import' | 'policy' | 'time';
  created_at: Generated<Timestamp>;
}

export interface GateOutcomes {
  id: Computed<number>;
  project_id: string;
  scan_id: string;
  outcome: 'pass' | 'warn' | 'fail';
  previous: 'pass' | 'warn' | 'fail' | null;
  reason: string | null;
  cause: 'scan' | 'triage' | 'import' | 'policy' | 'time';
  since: Timestamp;
}

export interface IdempotencyKeys {
  actor: string;
  operation: string;
  key: string;
  fingerprint: Buffer;
  status: number | null;
  headers: Json | null;
  body: string | null;
  locked_until: Timestamp;
  created_at: Generated<Timestamp>;
  expires_at: Timestamp;
}

export interface Leases {
  name: string;
  holder: string;
  until: Timestamp;
}

export interface LicenseFindings {
  id: Generated<string>;
  project_id: string;
  component_id: string;
  license_id: string;
  kind: 'declared' | 'concluded' | 'detected';
  source_path: string | null;
  created_at: Generated<Timestamp>;
}

export interface LicensePolicies {
  id: Generated<string>;
  team_id: string | null;
  license: string | null;
  purl_pattern: string | null;
  tier: 'allowed' | 'conditional' | 'forbidden';
  reason: string | null;
  expires_at: Timestamp | null;
  lapsed_at: Timestamp | null;
  created_by_user_id: string | null;
  version: Generated<number>;
  created_at: Generated<Timestamp>;
  updated_at: Generated<Timestamp>;
}

export interface Licenses {
  id: Generated<string>;
  spdx_id: string;
  name: string;
  tier: 'allowed' | 'conditional' | 'forbidden' | 'unknown';
  is_osi_approved: Generated<boolean>;
  is_fsf_libre: boolean | null;
  is_deprecated: Generated<boolean>;
  reference_url: string | null;
  created_at: Generated<Timestamp>;
}

export interface LiveProcesses {
  id: string;
  seen_at: Generated<Timestamp>;
}

export interface LiveSockets {
  id: string;
  user_id: string;
  process_id: string;
  opened_at: Timestamp;
}

export interface Matches {
  package_version_id: number;
  vulnerability_id: number;
  advisory_ids: string[];
  fixed_version: string | null;
}

export interface Memberships {
  user_id: string;
  team_id: string;
  role: 'team_admin' | 'developer';
  created_at: Generated<Timestamp>;
}

export interface MergedFindings {
  id: string;
  finding_id: string;
}

export interface Notices {
  id: Computed<number>;
  kind: 'cve_detected' | 'scan_completed' | 'scan_failed' | 'gate_changed' | 'approval_pending' | 'approval_state_changed' | 'disk_pressure' | 'backup_failed';
  project_id: string | null;
  audience: 'team' | 'team_admins' | 'user' | 'super_admins' | 'channels';
  user_id: string | null;
  facts: Generated<Json>;
  created_at: Generated<Timestamp>;
}

export interface NotificationChannels {
  id: Generated<string>;
  type: 'webhook' | 'slack' | 'teams';
  scope: 'organization' | 'team' | 'user';
  team_id: string | null;
  user_id: string | null;
  name: string;
  url_sealed: Buffer;
  url: string;
  secret_sealed: Buffer | null;
  former_secret_sealed: Buffer | null;
  former_secret_until: Timestamp | null;
  kinds: string[];
  is_enabled: Generated<boolean>;
  disabled_reason: string | null;
  failures: Generated<number>;
  failing_since: Timestamp | null;
  retry_at: Timestamp | null;
  last_success_at: Timestamp | null;
  created_by_user_id: string | null;
  version: Generated<number>;
  created_at: Generated<Timestamp>;
  updated_at: Generated<Timestamp>;
}

export interface NotificationPreferences {
  user_id: string;
  email_enabled: Generated<boolean>;
  slack_enabled: Generated<boolean>;
  teams_enabled: Generated<boolean>;
  kinds: Generated<Json>;
  updated_at: Generated<Timestamp>;
}

export interface Notifications {
  id: Generated<string>;
  user_id: string;
  kind: string;
  project_id: string | null;
  title: string;
  body: string;
  link: string | null;
  target_table: string | null;
  target_id: string | null;
  read_at: Timestamp | null;
  created_at: Generated<Timestamp>;
  mail_due_at: Timestamp | null;
  mail_tries: Generated<number>;
}

export interface OauthIdentities {
  id: Generated<string>;
  user_id: string;
  provider: string;
  issuer: string;
  provider_user_id: string;
  provider_email: string | null;
  created_at: Generated<Timestamp>;
}

export interface OauthSpentStates {
  state_hash: Buffer;
  expires_at: Timestamp;
}

export interface ObligationFulfilments {
  project_id: string;
  obligation_id: string;
  state: 'open' | 'in_progress' | 'fulfilled' | 'not_applicable';
  note: string | null;
  updated_by_user_id: string | null;
  version: Generated<number>;
  updated_at: Generated<Timestamp>;
}

export interface PackageVersions {
  id: Computed<number>;
  package_id: number;
  version: string;
  version_key: Buffer | null;
  matched_at: Timestamp | null;
  ecosystem: string | null;
  match_name: string | null;
  match_version: string | null;
  key_revision: Generated<number>;
}

export interface Packages {
  id: Computed<number>;
  type: string;
  namespace: Generated<string>;
  name: string;
  ecosystem: string | null;
  match_name: string | null;
}

export interface PasswordResetTokens {
  token_hash: Buffer;
  user_id: string;
  created_at: Generated<Timestamp>;
  expires_at: Timestamp;
}

export interface PendingRegistrations {
  id: Generated<string>;
  email: string;
  full_name: string | null;
  password_hash: string;
  token_hash: Buffer | null;
  created_at: Generated<Timestamp>;
  expires_at: Timestamp;
}

export interface ProjectCodeHosts {
  project_id: string;
  kind: 'github' | 'gitlab';
  api_url: string;
  token_sealed: Buffer;
  updated_by_user_id: string | null;
  updated_at: Generated<Timestamp>;
  comments: Generated<boolean>;
  commit_statuses: Generated<boolean>;
  reported_at: Timestamp | null;
  report_error: string | null;
}

export interface Projects {
  id: Generated<string>;
  team_id: string;
  name: string;
  slug: string;
  description: string | null;
  git_url: string | null;
  git_credential_sealed: Buffer | null;
  default_branch: string | null;
  visibility: Generated<'team' | 'organization'>;
  distribution: Generated<'saas' | 'distributed' | 'internal'>;
  gate: Generated<Json>;
  current_scan_id: string | null;
  created_by_user_id: string | null;
  version: Generated<number>;
  archived_at: Timestamp | null;
  created_at: Generated<Timestamp>;
  updated_at: Generated<Timestamp>;
}

export interface RateLimits {
  bucket: string;
  window_start: Timestamp;
  hits: number;
  expires_at: Timestamp;
}

export interface RefreshTokens {
  token_hash: Buffer;
  session_id: string;
  created_at: Generated<Timestamp>;
  expires_at: Timestamp;
  spent_at: Timestamp | null;
}

export interface Restores {
  id: Generated<string>;
  backup_name: string;
  status: Generated<'queued' | 'running' | 'succeeded' | 'failed'>;
  progress_percent: Generated<number>;
  passphrase_sealed: Buffer | null;
  error_message: string | null;
  ordered_by_email: string | null;
  created_at: Generated<Timestamp>;
  seen_at: Generated<Timestamp>;
  finished_at: Timestamp | null;
}

export interface ScanComponents {
  scan_id: string;
  component_id: string;
  package_version_id: number;
  ordinal: number;
  depends_on: Generated<number[]>;
  direct: boolean | null;
  depth: number | null;
  scope: 'required' | 'optional' | 'dev' | 'excluded';
  type: string;
  license_expression: string | null;
  license_declared: string | null;
  license_tier: 'allowed' | 'conditional' | 'forbidden' | 'unknown';
  supplier: string | null;
  description: string | null;
  hashes: Generated<Json>;
  evidence: string | null;
  search: Generated<string>;
  name_rank: number | null;
  version_rank: number | null;
  license_rank: number | null;
  license_concluded: string | null;
  license_detected: string | null;
  copyright: string | null;
}

export interface ScanLicenseTexts {
  scan_id: string;
  spdx_id: string;
  text: string;
}

export interface Scans {
  id: Generated<string>;
  project_id: string;
  kind: 'source' | 'sbom' | 'container';
  status: Generated<'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled'>;
  current_step: 'bootstrap' | 'fetch' | 'prep' | 'cdxgen' | 'license' | 'dt_upload' | 'dt_findings' | 'vuln_match' | 'finalize' | null;
  progress_percent: Generated<number>;
  ref: string | null;
  commit_sha: string | null;
  metadata: Generated<Json>;
  source_format: string | null;
  blob_id: string | null;
  job_id: string | null;
  is_current: Generated<boolean>;
  attempt: Generated<number>;
  error_code: string | null;
  error_message: string | null;
  warnings: Generated<Json>;
  component_count: number | null;
  occurrence_count: number | null;
  requested_by_user_id: string | null;
  started_at: Timestamp | null;
  completed_at: Timestamp | null;
  created_at: Generated<Timestamp>;
  updated_at: Generated<Timestamp>;
  fetch_ref: string | null;
  fetch_commit: string | null;
  license_expressions: Generated<string[]>;
  image: string | null;
  own_license: string | null;
  skipped_steps: Generated<Json>;
}

export interface SchemaMigrations {
  name: string;
  checksum: string;
  applied_at: Generated<Timestamp>;
}

export interface SecondOpinions {
  component_id: string;
  vulnerability_id: number;
  names: string[];
}

export interface Sessions {
  id: Generated<string>;
  user_id: string;
  created_at: Generated<Timestamp>;
  last_used_at: Generated<Timestamp>;
  expires_at: Timestamp;
  ended_at: Timestamp | null;
  ended_reason: 'logout' | 'reuse' | 'password' | 'deactivated' | 'revoked' | null;
  ip: string | null;
  user_agent: string | null;
}

export interface SigningKeys {
  kid: string;
  algorithm: string;
  public_jwk: Json;
  private_sealed: Buffer;
  created_at: Generated<Timestamp>;
  signs_until: Timestamp | null;
  trusted_until: Timestamp | null;
  signs_from: Generated<Timestamp>;
}

export interface Teams {
  id: Generated<string>;
  name: string;
  slug: string;
  description: string | null;
  version: Generated<number>;
  created_at: Generated<Timestamp>;
  updated_at: Generated<Timestamp>;
}

export interface Users {
  id: Generated<string>;
  email: string;
  full_name: string | null;
  password_hash: string | null;
  is_active: Generated<boolean>;
  is_super_admin: Generated<boolean>;
  version: Generated<number>;
  last_login_at: Timestamp | null;
  created_at: Generated<Timestamp>;
  updated_at: Generated<Timestamp>;
  email_verified_at: Timestamp | null;
}

export interface Vulnerabilities {
  id: Computed<number>;
  external_id: string;
  aliases: Generated<string[]>;
  summary: string | null;
  details: string | null;
  severity: 'critical' | 'high' | 'medium' | 'low' | 'info' | 'unknown';
  cvss_score: number | null;
  cvss_vector: string | null;
  cwes: Generated<string[]>;
  refs: Generated<Json>;
  epss_score: number | null;
  epss_percentile: number | null;
  kev_added_on: string | null;
  kev_due_on: string | null;
  published_at: Timestamp | null;
  modified_at: Timestamp | null;
  withdrawn_at: Timestamp | null;
  created_at: Generated<Timestamp>;
  updated_at: Generated<Timestamp>;
  severity_source: Json | null;
}

export interface WebhookDeliveries {
  id: Generated<string>;
  project_id: string;
  provider: 'github' | 'gitlab';
  delivery_id: string;
  event: string;
  ref: string | null;
  status: 'enqueued' | 'ignored' | 'skipped_active_scan' | 'skipped_team_at_capacity' | 'skipped_disk_full';
  reason: string | null;
  scan_id: string | null;
  received_at: Generated<Timestamp>;
  wish: Json | null;
}

export interface WebhookSecrets {
  project_id: string;
  secret_sealed: Buffer;
  previous_sealed: Buffer | null;
  previous_until: Timestamp | null;
  created_by_user_id: string | null;
  created_at: Generated<Timestamp>;
}

export interface WorkerProcesses {
  id: string;
  host: string;
  pid: number;
  started_at: Timestamp;
  seen_at: Timestamp;
}

export interface DB {
  advisories: Advisories;
  advisory_ranges: AdvisoryRanges;
  advisory_sources: AdvisorySources;
  api_keys: ApiKeys;
  approvals: Approvals;
  audit_log: AuditLog;
  backups: Backups;
  blob_chunks: BlobChunks;
  blobs: Blobs;
  channel_deliveries: ChannelDeliveries;
  channel_messages: ChannelMessages;
  circuit_breakers: CircuitBreakers;
  components: Components;
  concluded_licenses: ConcludedLicenses;
  disk_alerts: DiskAlerts;
  document_keys: DocumentKeys;
  exploit_predictions: ExploitPredictions;
  exploited_vulnerabilities: ExploitedVulnerabilities;
  finding_decisions: FindingDecisions;
  finding_events: FindingEvents;
  finding_ids: FindingIds;
  findings: Findings;
  gate_checks: GateChecks;
  gate_outcomes: GateOutcomes;
  idempotency_keys: IdempotencyKeys;
  leases: Leases;
  license_findings: LicenseFindings;
  license_policies: LicensePolicies;
  licenses: Licenses;
  live_processes: LiveProcesses;
  live_sockets: LiveSockets;
  matches: Matches;
  memberships: Memberships;
  merged_findings: MergedFindings;
  notices: Notices;
  notification_channels: NotificationChannels;
  notification_preferences: NotificationPreferences;
  notifications: Notifications;
  oauth_identities: OauthIdentities;
  oauth_spent_states: OauthSpentStates;
  obligation_fulfilments: ObligationFulfilments;
  package_versions: PackageVersions;
  packages: Packages;
  password_reset_tokens: PasswordResetTokens;
  pending_registrations: PendingRegistrations;
  project_code_hosts: ProjectCodeHosts;
  projects: Projects;
  rate_limits: RateLimits;
  refresh_tokens: RefreshTokens;
  restores: Restores;
  scan_components: ScanComponents;
  scan_license_texts: ScanLicenseTexts;
  scans: Scans;
  schema_migrations: SchemaMigrations;
  second_opinions: SecondOpinions;
  sessions: Sessions;
  signing_keys: SigningKeys;
  teams: Teams;
  users: Users;
  vulnerabilities: Vulnerabilities;
  webhook_deliveries: WebhookDeliveries;
  webhook_secrets: WebhookSecrets;
  worker_processes: WorkerProcesses;
}
