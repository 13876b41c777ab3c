-- Keys that sign documents. Not those of access tokens: these are forgotten with the last token, and signatures are checked for years. A key without its private half signs
-- no more, but what it signed stays good; one that leaked is deleted.
CREATE TABLE document_keys (
  kid text PRIMARY KEY,
  public_jwk jsonb NOT NULL,
  private_sealed bytea,                     -- sealed with the installation's master key
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX document_keys_current ON document_keys ((true)) WHERE private_sealed IS NOT NULL;
