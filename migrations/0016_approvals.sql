-- Decisions on a component's licence. Several follow one another over time: one is open at a time, and of the decided ones the last that was made for the
-- licence which the component has now counts.
CREATE TABLE approvals (
  id uuid PRIMARY KEY DEFAULT new_id(),
  project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
  component_id uuid NOT NULL REFERENCES components ON DELETE CASCADE,
  license_expression text,                  -- what is to be decided on; null: the component has no known licence
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'under_review', 'approved', 'rejected')),
  requested_by_user_id uuid REFERENCES users ON DELETE SET NULL, -- null: a scan or a changed policy opened it
  requested_at timestamptz NOT NULL DEFAULT now(),
  decided_by_user_id uuid REFERENCES users ON DELETE SET NULL,
  decided_at timestamptz,
  decision_note text,
  version integer NOT NULL DEFAULT 1,
  updated_at timestamptz NOT NULL DEFAULT now(),
  CHECK ((decided_at IS NOT NULL) = (status IN ('approved', 'rejected')))
);
CREATE UNIQUE INDEX approvals_open_idx ON approvals (component_id) WHERE status IN ('pending', 'under_review');
CREATE INDEX approvals_component_idx ON approvals (component_id);
CREATE INDEX approvals_project_idx ON approvals (project_id, requested_at DESC, id DESC);
CREATE INDEX approvals_requested_idx ON approvals (requested_at DESC, id DESC);

