import { known, type KnownMetric } from './known.ts'

const ORIGIN = 'redis_exporter'

/** Names without `redis_`: oliver006/redis_exporter 1.45 to 1.78, its core; what modules and options add is not listed. */
const GAUGES = `
  active_defrag_running allocator_active_bytes allocator_allocated_bytes allocator_frag_bytes
  allocator_frag_ratio allocator_muzzy_bytes allocator_resident_bytes allocator_rss_bytes
  allocator_rss_ratio aof_base_size_bytes aof_buffer_length aof_current_rewrite_duration_sec
  aof_current_size_bytes aof_delayed_fsync aof_enabled aof_last_bgrewrite_status
  aof_last_cow_size_bytes aof_last_rewrite_duration_sec aof_last_write_status aof_pending_bio_fsync
  aof_pending_rewrite aof_rewrite_buffer_length aof_rewrite_in_progress aof_rewrite_scheduled
  async_loading blocked_clients client_biggest_input_buf client_longest_output_list
  client_recent_max_input_buffer_bytes client_recent_max_output_buffer_bytes clients_in_timeout_table
  cluster_current_epoch cluster_enabled cluster_known_nodes cluster_messages_received_total
  cluster_messages_sent_total cluster_my_epoch cluster_size cluster_slots_assigned cluster_slots_fail
  cluster_slots_ok cluster_slots_pfail cluster_state config_io_threads config_maxclients
  config_maxmemory connected_clients connected_slave_lag_seconds connected_slave_offset_bytes
  connected_slaves current_client_thread current_eviction_exceeded_time_ms db_avg_ttl_seconds db_keys
  db_keys_cached db_keys_expiring defrag_hits defrag_key_hits defrag_key_misses defrag_misses
  expired_stale_percentage exporter_last_scrape_duration_seconds exporter_last_scrape_error
  instance_info instantaneous_eventloop_cycles_per_sec instantaneous_eventloop_duration_usec
  io_threads_active key_size key_value keys_count last_slow_execution_duration_seconds
  latency_spike_duration_seconds latency_spike_last latest_fork_seconds latest_fork_usec
  lazyfree_pending_objects lazyfreed_objects loading_dump_file long_lock_waits_total
  master_last_io_seconds_ago master_link_up master_repl_offset master_sync_in_progress max_clients
  mem_aof_buffer_bytes mem_clients_normal mem_clients_slaves mem_cluster_links_bytes
  mem_fragmentation_bytes mem_fragmentation_ratio mem_not_counted_for_eviction_bytes
  mem_overhead_db_hashtable_rehashing_bytes mem_replication_backlog_bytes
  mem_total_replication_buffers_bytes memory_max_bytes memory_max_fragmentation_reservation_bytes
  memory_max_fragmentation_reservation_desired_bytes memory_max_reservation_bytes
  memory_max_reservation_desired_bytes memory_used_bytes memory_used_dataset_bytes
  memory_used_functions_bytes memory_used_lua_bytes memory_used_overhead_bytes memory_used_peak_bytes
  memory_used_rss_bytes memory_used_scripts_bytes memory_used_scripts_eval_bytes
  memory_used_startup_bytes memory_used_vm_eval_bytes memory_used_vm_functions_bytes
  memory_used_vm_total migrate_cached_sockets_total module_fork_in_progress module_fork_last_cow_size
  number_of_cached_scripts number_of_functions number_of_libraries process_id pubsub_channels
  pubsub_clients pubsub_patterns pubsubshard_channels rdb_bgsave_in_progress
  rdb_changes_since_last_save rdb_current_bgsave_duration_sec rdb_last_bgsave_duration_sec
  rdb_last_bgsave_status rdb_last_cow_size_bytes rdb_last_load_expired_keys rdb_last_load_loaded_keys
  rdb_last_save_timestamp_seconds rdb_saves_total repl_backlog_first_byte_offset
  repl_backlog_history_bytes repl_backlog_is_active replica_partial_resync_accepted
  replica_partial_resync_denied replica_resyncs_full replication_backlog_bytes second_repl_offset
  server_threads_total slave_expires_tracked_keys slave_info slave_priority slave_repl_offset
  slowlog_last_id slowlog_length start_time_seconds total_blocking_keys total_blocking_keys_on_nokey
  total_system_memory_bytes total_watched_keys tracking_clients tracking_total_items
  tracking_total_keys tracking_total_prefixes up uptime_in_seconds watching_clients
`
const COUNTERS = `
  acl_access_denied_auth_total acl_access_denied_channel_total acl_access_denied_cmd_total
  acl_access_denied_key_total active_time_main_thread_seconds_total cached_keys_total
  client_output_buffer_limit_disconnections_total client_query_buffer_limit_disconnections_total
  commands_duration_seconds_total commands_failed_calls_total commands_processed_total
  commands_rejected_calls_total commands_total connections_received_total
  cpu_sys_children_seconds_total cpu_sys_main_thread_seconds_total cpu_sys_seconds_total
  cpu_user_children_seconds_total cpu_user_main_thread_seconds_total cpu_user_seconds_total
  dump_payload_sanitizations errors_total eventloop_cycles_total eventloop_duration_cmd_sum_usec_total
  eventloop_duration_sum_usec_total evicted_clients_total evicted_keys_total evicted_scripts_total
  eviction_exceeded_time_ms_total expire_cycle_cpu_time_ms_total expired_keys_total
  expired_subkeys_total expired_time_cap_reached_total exporter_scrapes_total
  io_threaded_reads_processed io_threaded_writes_processed keyspace_hits_total keyspace_misses_total
  net_input_bytes_total net_output_bytes_total net_repl_input_bytes_total net_repl_output_bytes_total
  rejected_connections_total reply_buffer_expands_total reply_buffer_shrinks_total
  storage_provider_read_hits storage_provider_read_misses target_scrape_request_errors_total
  total_error_replies total_reads_processed total_writes_processed unexpected_error_replies
`
const HISTOGRAMS = `
  commands_latencies_usec exporter_scrape_duration_seconds
`

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

const ZERO: Readonly<Record<string, KnownMetric['zero']>> = {
  memory_max_bytes: 'limit',
  config_maxmemory: 'limit',
}

export const REDIS_EXPORTER: readonly KnownMetric[] = [
  ...words(GAUGES).map(name => known(`redis_${name}`, 'gauge', ORIGIN, { zero: ZERO[name] })),
  ...words(COUNTERS).map(name => known(`redis_${name}`, 'counter', ORIGIN)),
  ...words(HISTOGRAMS).map(name => known(`redis_${name}`, 'histogram', ORIGIN)),
]

/** What people write, and what the exporter calls it. */
export const REDIS_MEANT: Readonly<Record<string, string>> = {
  redis_maxclients: 'redis_config_maxclients',
  redis_connected_clients_max: 'redis_config_maxclients',
  redis_used_memory: 'redis_memory_used_bytes',
  redis_used_memory_bytes: 'redis_memory_used_bytes',
  redis_maxmemory: 'redis_memory_max_bytes',
  redis_maxmemory_bytes: 'redis_memory_max_bytes',
}
