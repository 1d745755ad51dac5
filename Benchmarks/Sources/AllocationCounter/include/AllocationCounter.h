#pragma once
#include <stdint.h>

/// Calls of malloc, calloc, realloc and aligned_alloc by this process so far; always 0 where they cannot be counted.
uint64_t allocation_count(void);
