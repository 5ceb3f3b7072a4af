// The module's schema as SpacetimeDB publishes it (RawModuleDef, version 9, in
// the JSON of its type system), derived from the tables and reducers.

import type { AlgebraicType, NamedType } from "../bsatn/index.ts";
import { REDUCERS, TABLES } from "./module.ts";

type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json };

const NONE: Json = { none: [] };

const LIFECYCLES = { init: "Init", on_connect: "OnConnect", on_disconnect: "OnDisconnect" } as const;

export function moduleSchemaJson(): Json {
  const tables = Object.values(TABLES);
  return {
    typespace: { types: tables.map(({ row }) => typeJson(row.type)) },
    tables: tables.map(({ name, row, primaryKey }, index) => tableJson(name, row.type, primaryKey, index)),
    reducers: Object.values(REDUCERS).map(({ name, args, lifecycle }) => ({
      name,
      params: { elements: elementsOf(args.type).map(namedJson) },
      lifecycle: lifecycle === undefined ? NONE : some({ [LIFECYCLES[lifecycle]]: [] }),
    })),
    types: tables.map(({ name }, index) => ({
      name: { scope: [], name: pascalCase(name) },
      ty: index,
      custom_ordering: true,
    })),
    misc_exports: [],
    row_level_security: [],
  };
}

function tableJson(name: string, type: AlgebraicType, primaryKey: string, index: number): Json {
  const column = elementsOf(type).findIndex((element) => element.name === primaryKey);
  return {
    name,
    product_type_ref: index,
    primary_key: [column],
    indexes: [
      {
        name: some(`${name}_${primaryKey}_idx_btree`),
        accessor_name: some(primaryKey),
        algorithm: { BTree: [column] },
      },
    ],
    constraints: [{ name: some(`${name}_${primaryKey}_key`), data: { Unique: { columns: [column] } } }],
    sequences: [],
    schedule: NONE,
    table_type: { User: [] },
    table_access: { Public: [] },
  };
}

function typeJson(type: AlgebraicType): Json {
  switch (type.kind) {
    case "array":
      return { Array: typeJson(type.element) };
    case "product":
      return { Product: { elements: type.elements.map(namedJson) } };
    case "sum":
      return { Sum: { variants: type.variants.map(namedJson) } };
    default:
      return { [pascalCase(type.kind)]: [] };
  }
}

function namedJson({ name, type }: NamedType): Json {
  return { name: some(name), algebraic_type: typeJson(type) };
}

function elementsOf(type: AlgebraicType): readonly NamedType[] {
  return type.kind === "product" ? type.elements : [];
}

function some(value: Json): Json {
  return { some: value };
}

function pascalCase(name: string): string {
  return name.replaceAll(/(?:^|_)([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
