// Keeps the secrets of better-auth's tables out of the database: what is stored
// of a session token or a device code is a hash, and what better-auth gets back
// is the secret that it asked with. A row that was not found by its secret comes
// back with the hash, which nobody can present: it would be hashed again.

import type { DBAdapter, DBTransactionAdapter, Where } from "@better-auth/core/db/adapter";
import type { Secrets } from "./secrets.ts";

type Hash = (secret: string) => string;
type SecretFields = Readonly<Record<string, Hash>>;

export function hashSecrets(adapter: DBAdapter, secrets: Secrets): DBAdapter {
  const secretFields: Readonly<Record<string, SecretFields>> = {
    session: { token: secrets.stored },
    deviceCode: { deviceCode: secrets.stored, userCode: secrets.storedCode },
  };
  return {
    ...wrap(adapter, secretFields),
    transaction: (body) => adapter.transaction((inner) => body(wrap(inner, secretFields))),
  };
}

function wrap<A extends DBTransactionAdapter>(
  adapter: A,
  secretFields: Readonly<Record<string, SecretFields>>,
): A {
  const hashRow = <T>(model: string, row: T): T => mapFields(row, secretFields[model], hashValue);
  const hashWhere = (model: string, where: readonly Where[] | undefined) =>
    where?.map((clause) => {
      const field = secretFields[model]?.[clause.field];
      return field === undefined ? clause : { ...clause, value: hashOperand(clause.value, field) };
    });
  /** The secrets that were asked with, put back where their hashes are. */
  const reveal = <T>(model: string, row: T, asked: Readonly<Record<string, unknown>>): T =>
    mapFields(row, secretFields[model], (value, field, name) =>
      typeof asked[name] === "string" && hashValue(asked[name], field) === value ? asked[name] : value,
    );
  const askedBy = (where: readonly Where[] | undefined) =>
    Object.fromEntries((where ?? []).map(({ field, value }) => [field, value]));

  const wrapped: DBTransactionAdapter = {
    ...adapter,
    async create(input) {
      const row = await adapter.create({ ...input, data: hashRow(input.model, input.data) });
      return reveal(input.model, row, input.data) as never;
    },
    async findOne(input) {
      const row = await adapter.findOne({ ...input, where: hashWhere(input.model, input.where) ?? [] });
      return reveal(input.model, row, askedBy(input.where)) as never;
    },
    async findMany(input) {
      const where = hashWhere(input.model, input.where);
      return (await adapter.findMany({ ...input, ...(where === undefined ? {} : { where }) })) as never;
    },
    async count(input) {
      const where = hashWhere(input.model, input.where);
      return adapter.count({ ...input, ...(where === undefined ? {} : { where }) });
    },
    async update(input) {
      const row = await adapter.update({
        ...input,
        where: hashWhere(input.model, input.where) ?? [],
        update: hashRow(input.model, input.update),
      });
      return reveal(input.model, row, { ...askedBy(input.where), ...input.update }) as never;
    },
    async updateMany(input) {
      const { model } = input;
      const where = hashWhere(model, input.where) ?? [];
      return adapter.updateMany({ ...input, where, update: hashRow(model, input.update) });
    },
    async delete(input) {
      await adapter.delete({ ...input, where: hashWhere(input.model, input.where) ?? [] });
    },
    async deleteMany(input) {
      return adapter.deleteMany({ ...input, where: hashWhere(input.model, input.where) ?? [] });
    },
    async consumeOne(input) {
      const row = await adapter.consumeOne({ ...input, where: hashWhere(input.model, input.where) ?? [] });
      return reveal(input.model, row, askedBy(input.where)) as never;
    },
    async incrementOne(input) {
      return (await adapter.incrementOne({
        ...input,
        where: hashWhere(input.model, input.where) ?? [],
      })) as never;
    },
  };
  return wrapped as A;
}

function mapFields<T>(
  row: T,
  fields: SecretFields | undefined,
  map: (value: unknown, hash: Hash, name: string) => unknown,
): T {
  if (fields === undefined || typeof row !== "object" || row === null) return row;
  const changed = Object.entries(row).map(([name, value]) => {
    const field = fields[name];
    return [name, field === undefined ? value : map(value, field, name)];
  });
  return Object.fromEntries(changed);
}

function hashValue(value: unknown, hash: Hash): unknown {
  return typeof value === "string" ? hash(value) : value;
}

function hashOperand(value: Where["value"], hash: Hash): Where["value"] {
  if (Array.isArray(value))
    return value.map((each) => (typeof each === "string" ? hash(each) : each)) as never;
  return typeof value === "string" ? hash(value) : value;
}
