/*
 * Read before every C++ file when better-sqlite3 12 is compiled for Node 24 (scripts/setup.mjs).
 *
 * From 24.19 on, the ObjectWrap of Node's headers removes a clean-up hook in its destructor, and that call ends
 * the process when the garbage collector runs outside JavaScript: nodejs/node#65446. Without the hooks the
 * class is what it was before. Other majors, and better-sqlite3 13, need no such thing.
 */
#include <node.h>
#define AddEnvironmentCleanupHook(...) static_cast<void>(0)
#define RemoveEnvironmentCleanupHook(...) static_cast<void>(0)
#include <node_object_wrap.h>
#undef AddEnvironmentCleanupHook
#undef RemoveEnvironmentCleanupHook
