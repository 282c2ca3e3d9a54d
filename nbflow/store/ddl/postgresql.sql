CREATE TABLE counter (
	name VARCHAR(32) NOT NULL,
	value BIGINT NOT NULL,
	CONSTRAINT pk_counter PRIMARY KEY (name)
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
	seq BIGINT NOT NULL,
	id BYTEA NOT NULL,
	name TEXT NOT NULL,
	flow_name TEXT NOT NULL,
	kind VARCHAR(16) NOT NULL,
	flow_version TEXT,
	parameters TEXT,
	tags TEXT,
	parent_id BYTEA,
	dependencies TEXT,
	created BIGINT NOT NULL,
	source TEXT,
	output TEXT,
	CONSTRAINT pk_flow_run PRIMARY KEY (seq),
	CONSTRAINT uq_flow_run_id UNIQUE (id)
);

CREATE INDEX ix_flow_run_created ON flow_run (created, seq);

CREATE INDEX ix_flow_run_flow ON flow_run (flow_name, created, seq);

CREATE INDEX ix_flow_run_name ON flow_run (name);

CREATE INDEX ix_flow_run_owner ON flow_run (owner) WHERE owner IS NOT NULL;

CREATE INDEX ix_flow_run_parent ON flow_run (parent_id) WHERE parent_id IS NOT NULL;

CREATE INDEX ix_flow_run_state ON flow_run (state_type, created, seq);

CREATE TABLE state (
	seq BIGINT NOT NULL,
	run_id BYTEA NOT NULL,
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

CREATE TABLE flow_run_tag (
	tag TEXT NOT NULL,
	run_created BIGINT NOT NULL,
	run_seq BIGINT NOT NULL,
	CONSTRAINT pk_flow_run_tag PRIMARY KEY (tag, run_created, run_seq),
	CONSTRAINT fk_flow_run_tag_run_seq FOREIGN KEY(run_seq) REFERENCES flow_run (seq) ON DELETE CASCADE
);

CREATE INDEX ix_flow_run_tag_run ON flow_run_tag (run_seq);

CREATE TABLE log (
	seq BIGINT NOT NULL,
	flow_run_id BYTEA,
	task_run_id BYTEA,
	level INTEGER NOT NULL,
	logger TEXT NOT NULL,
	message TEXT NOT NULL,
	timestamp BIGINT NOT NULL,
	CONSTRAINT pk_log PRIMARY KEY (seq),
	CONSTRAINT fk_log_flow_run_id FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);

CREATE INDEX ix_log_flow_run ON log (flow_run_id, seq);

CREATE INDEX ix_log_task_run ON log (task_run_id, seq) WHERE task_run_id IS NOT NULL;

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
	seq BIGINT NOT NULL,
	id BYTEA NOT NULL,
	name TEXT NOT NULL,
	task_name TEXT NOT NULL,
	kind VARCHAR(16) NOT NULL,
	flow_run_id BYTEA,
	parent_id BYTEA,
	task_key TEXT NOT NULL,
	map_id BYTEA,
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
