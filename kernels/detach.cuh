typedef unsigned u32; typedef unsigned long long u64; typedef int i32; typedef long long i64;
