CREATE TABLE concurrency_limit (
	name TEXT NOT NULL,
	slots INTEGER NOT NULL,
	slot_decay_per_second FLOAT,
	active INTEGER NOT NULL,
	CONSTRAINT pk_concurrency_limit PRIMARY KEY (name)
);

CREATE TABLE counter (
	name VARCHAR(32) NOT NULL,
	value BIGINT NOT NULL,
	CONSTRAINT pk_counter PRIMARY KEY (name)
);

CREATE TABLE deployment (
	id BLOB NOT NULL,
	flow_name TEXT NOT NULL,
	name TEXT NOT NULL,
	version INTEGER NOT NULL,
	paused INTEGER NOT NULL,
	spec TEXT NOT NULL,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	CONSTRAINT pk_deployment PRIMARY KEY (id),
	CONSTRAINT uq_deployment_flow_name UNIQUE (flow_name, name)
);

CREATE TABLE event (
	seq INTEGER NOT NULL,
	kind TEXT NOT NULL,
	subject TEXT NOT NULL,
	payload TEXT,
	timestamp BIGINT NOT NULL,
	CONSTRAINT pk_event PRIMARY KEY (seq)
);

CREATE TABLE flow_run (
	changed BIGINT NOT NULL,
	state_type VARCHAR(16) NOT NULL,
	state_name TEXT NOT NULL,
	state_message TEXT,
	state_timestamp BIGINT NOT NULL,
	scheduled_time BIGINT,
	attempt INTEGER NOT NULL,
	start_time BIGINT,
	end_time BIGINT,
	result TEXT,
	owner TEXT,
	seq INTEGER NOT NULL,
	id BLOB NOT NULL,
	name TEXT NOT NULL,
	flow_name TEXT NOT NULL,
	kind VARCHAR(16) NOT NULL,
	flow_version TEXT,
	parameters TEXT,
	tags TEXT,
	parent_id BLOB,
	dependencies TEXT,
	created BIGINT NOT NULL,
	source TEXT,
	output TEXT,
	deployment_id BLOB,
	CONSTRAINT pk_flow_run PRIMARY KEY (seq),
	CONSTRAINT uq_flow_run_id UNIQUE (id)
);

CREATE INDEX ix_flow_run_created ON flow_run (created, seq);

CREATE INDEX ix_flow_run_deployment ON flow_run (deployment_id, created, seq) WHERE deployment_id IS NOT NULL;

CREATE INDEX ix_flow_run_flow ON flow_run (flow_name, created, seq);

CREATE INDEX ix_flow_run_name ON flow_run (name);

CREATE INDEX ix_flow_run_owner ON flow_run (owner) WHERE owner IS NOT NULL;

CREATE INDEX ix_flow_run_parent ON flow_run (parent_id) WHERE parent_id IS NOT NULL;

CREATE INDEX ix_flow_run_state ON flow_run (state_type, created, seq);

CREATE TABLE secret (
	name TEXT NOT NULL,
	value BLOB NOT NULL,
	updated BIGINT NOT NULL,
	CONSTRAINT pk_secret PRIMARY KEY (name)
);

CREATE TABLE snapshot (
	hash VARCHAR(64) NOT NULL,
	data BLOB NOT NULL,
	created BIGINT NOT NULL,
	CONSTRAINT pk_snapshot PRIMARY KEY (hash)
);

CREATE TABLE state (
	seq INTEGER NOT NULL,
	run_id BLOB NOT NULL,
	type VARCHAR(16) NOT NULL,
	name TEXT NOT NULL,
	message TEXT,
	timestamp BIGINT NOT NULL,
	scheduled_time BIGINT,
	attempt INTEGER NOT NULL,
	result TEXT,
	CONSTRAINT pk_state PRIMARY KEY (seq)
);

CREATE INDEX ix_state_run ON state (run_id, seq);

CREATE TABLE variable (
	name TEXT NOT NULL,
	value TEXT NOT NULL,
	updated BIGINT NOT NULL,
	CONSTRAINT pk_variable PRIMARY KEY (name)
);

CREATE TABLE work_queue (
	name TEXT NOT NULL,
	priority INTEGER NOT NULL,
	concurrency_limit INTEGER,
	paused INTEGER NOT NULL,
	description TEXT,
	CONSTRAINT pk_work_queue PRIMARY KEY (name)
);

CREATE TABLE worker (
	id BLOB NOT NULL,
	name TEXT NOT NULL,
	owner TEXT NOT NULL,
	queues TEXT NOT NULL,
	capacity INTEGER NOT NULL,
	version TEXT NOT NULL,
	started BIGINT NOT NULL,
	heartbeat BIGINT NOT NULL,
	stopped BIGINT,
	CONSTRAINT pk_worker PRIMARY KEY (id),
	CONSTRAINT uq_worker_name UNIQUE (name)
);

CREATE TABLE artifact (
	seq INTEGER NOT NULL,
	id BLOB NOT NULL,
	kind VARCHAR(16) NOT NULL,
	"key" TEXT,
	description TEXT,
	data TEXT,
	flow_run_id BLOB,
	task_run_id BLOB,
	created BIGINT NOT NULL,
	CONSTRAINT pk_artifact PRIMARY KEY (seq),
	CONSTRAINT uq_artifact_id UNIQUE (id),
	CONSTRAINT fk_artifact_flow_run_id FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);

CREATE INDEX ix_artifact_flow_run ON artifact (flow_run_id, seq);

CREATE INDEX ix_artifact_key ON artifact ("key", seq);

CREATE TABLE backfill (
	id BLOB NOT NULL,
	deployment_id BLOB NOT NULL,
	since BIGINT NOT NULL,
	until BIGINT NOT NULL,
	parameter TEXT,
	concurrency_limit INTEGER,
	cancelled INTEGER NOT NULL,
	created BIGINT NOT NULL,
	CONSTRAINT pk_backfill PRIMARY KEY (id),
	CONSTRAINT fk_backfill_deployment_id FOREIGN KEY(deployment_id) REFERENCES deployment (id) ON DELETE CASCADE
);

CREATE INDEX ix_backfill_deployment ON backfill (deployment_id);

CREATE TABLE concurrency_slot (
	id BLOB NOT NULL,
	name TEXT NOT NULL,
	occupy INTEGER NOT NULL,
	holder TEXT NOT NULL,
	until BIGINT NOT NULL,
	CONSTRAINT pk_concurrency_slot PRIMARY KEY (id),
	CONSTRAINT fk_concurrency_slot_name FOREIGN KEY(name) REFERENCES concurrency_limit (name) ON DELETE CASCADE
);

CREATE INDEX ix_concurrency_slot_name ON concurrency_slot (name, until);

CREATE TABLE deployment_version (
	deployment_id BLOB NOT NULL,
	number INTEGER NOT NULL,
	spec TEXT NOT NULL,
	content_hash VARCHAR(64) NOT NULL,
	snapshot VARCHAR(64),
	created BIGINT NOT NULL,
	author TEXT,
	CONSTRAINT pk_deployment_version PRIMARY KEY (deployment_id, number),
	CONSTRAINT fk_deployment_version_deployment_id FOREIGN KEY(deployment_id) REFERENCES deployment (id) ON DELETE CASCADE
);

CREATE INDEX ix_deployment_version_snapshot ON deployment_version (snapshot);

CREATE TABLE flow_run_tag (
	tag TEXT NOT NULL,
	run_created BIGINT NOT NULL,
	run_seq INTEGER NOT NULL,
	CONSTRAINT pk_flow_run_tag PRIMARY KEY (tag, run_created, run_seq),
	CONSTRAINT fk_flow_run_tag_run_seq FOREIGN KEY(run_seq) REFERENCES flow_run (seq) ON DELETE CASCADE
)
 WITHOUT ROWID;

CREATE INDEX ix_flow_run_tag_run ON flow_run_tag (run_seq);

CREATE TABLE log (
	seq INTEGER NOT NULL,
	flow_run_id BLOB,
	task_run_id BLOB,
	level INTEGER NOT NULL,
	logger TEXT NOT NULL,
	message TEXT NOT NULL,
	timestamp BIGINT NOT NULL,
	CONSTRAINT pk_log PRIMARY KEY (seq),
	CONSTRAINT fk_log_flow_run_id FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);

CREATE INDEX ix_log_flow_run ON log (flow_run_id, seq);

CREATE INDEX ix_log_task_run ON log (task_run_id, seq) WHERE task_run_id IS NOT NULL;

CREATE TABLE queued_run (
	run_id BLOB NOT NULL,
	queue TEXT NOT NULL,
	priority INTEGER NOT NULL,
	deployment_id BLOB,
	version INTEGER,
	due BIGINT,
	schedule TEXT,
	nominal BIGINT,
	idempotency_key TEXT,
	backfill_id BLOB,
	worker_id BLOB,
	token INTEGER NOT NULL,
	lease_until BIGINT,
	crash_retries_left INTEGER NOT NULL,
	resume INTEGER NOT NULL,
	CONSTRAINT pk_queued_run PRIMARY KEY (run_id),
	CONSTRAINT fk_queued_run_run_id FOREIGN KEY(run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);

CREATE INDEX ix_queued_run_backfill ON queued_run (backfill_id) WHERE backfill_id IS NOT NULL;

CREATE INDEX ix_queued_run_deployment ON queued_run (deployment_id);

CREATE INDEX ix_queued_run_due ON queued_run (queue, priority, due) WHERE due IS NOT NULL;

CREATE INDEX ix_queued_run_lease ON queued_run (lease_until) WHERE lease_until IS NOT NULL;

CREATE UNIQUE INDEX uq_queued_run_key ON queued_run (idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE UNIQUE INDEX uq_queued_run_nominal ON queued_run (deployment_id, schedule, nominal) WHERE schedule IS NOT NULL;

CREATE TABLE run_input (
	flow_run_id BLOB NOT NULL,
	"key" TEXT NOT NULL,
	schema TEXT,
	message TEXT,
	created BIGINT NOT NULL,
	deadline BIGINT,
	answer TEXT,
	answered BIGINT,
	CONSTRAINT pk_run_input PRIMARY KEY (flow_run_id, "key"),
	CONSTRAINT fk_run_input_flow_run_id FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);

CREATE TABLE schedule (
	deployment_id BLOB NOT NULL,
	slug TEXT NOT NULL,
	schedule TEXT NOT NULL,
	parameters TEXT,
	active INTEGER NOT NULL,
	next_fire BIGINT,
	CONSTRAINT pk_schedule PRIMARY KEY (deployment_id, slug),
	CONSTRAINT fk_schedule_deployment_id FOREIGN KEY(deployment_id) REFERENCES deployment (id) ON DELETE CASCADE
);

CREATE INDEX ix_schedule_next_fire ON schedule (next_fire) WHERE next_fire IS NOT NULL;

CREATE TABLE task_run (
	changed BIGINT NOT NULL,
	state_type VARCHAR(16) NOT NULL,
	state_name TEXT NOT NULL,
	state_message TEXT,
	state_timestamp BIGINT NOT NULL,
	scheduled_time BIGINT,
	attempt INTEGER NOT NULL,
	start_time BIGINT,
	end_time BIGINT,
	result TEXT,
	seq INTEGER NOT NULL,
	id BLOB NOT NULL,
	name TEXT NOT NULL,
	task_name TEXT NOT NULL,
	kind VARCHAR(16) NOT NULL,
	flow_run_id BLOB,
	parent_id BLOB,
	task_key TEXT NOT NULL,
	map_id BLOB,
	map_index INTEGER,
	cell_index INTEGER,
	tags TEXT,
	dependencies TEXT,
	cache_key TEXT,
	created BIGINT NOT NULL,
	CONSTRAINT pk_task_run PRIMARY KEY (seq),
	CONSTRAINT uq_task_run_id UNIQUE (id),
	CONSTRAINT fk_task_run_flow_run_id FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);

CREATE INDEX ix_task_run_changed ON task_run (flow_run_id, changed);
