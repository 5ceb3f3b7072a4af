-- Where a provider is told of its jobs; null for one that only asks for them.
ALTER TABLE runtime.workers ADD COLUMN endpoint_url text;
