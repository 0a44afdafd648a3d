/** When a span ended, in SQL of DuckDB over rows of the lake: files do not repeat what follows from start and duration. */
export const END_TIME_SQL = 'coalesce(EndTimestamp, make_timestamp_ns(epoch_ns("Timestamp") + Duration))'
