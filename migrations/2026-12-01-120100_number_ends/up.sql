-- Finds numbers by their end, as people write them without the country's code.
CREATE INDEX contact_identities_number_end_idx ON contact_identities (tenant_id, (reverse(value) COLLATE "C"))
  WHERE kind = 'phone' AND resolves;
