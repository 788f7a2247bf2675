# morph_precompile(<target> <kind>): the headers of others that nearly every file of a kind includes,
# parsed once for all targets of the kind: a file takes half the time where there are many. Each file
# includes what it uses all the same; -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON tells whether.
set(MORPH_TEST_OPTIONS $<$<CONFIG:Release>:-O1>)
set(MORPH_HEADERS_torch <ATen/TensorOperators.h> <ATen/core/Tensor.h> <ATen/core/grad_mode.h>
                        <nlohmann/json.hpp>)
set(MORPH_HEADERS_test <gmock/gmock.h> <gtest/gtest.h> <nlohmann/json.hpp>)
set(MORPH_HEADERS_torch_test ${MORPH_HEADERS_torch} ${MORPH_HEADERS_test})
function(morph_precompile target kind)
  set(headers morph_${kind}_headers)
  if(NOT TARGET ${headers})
    # A target of its own, for whoever uses its headers waits for all of it. It has the compiler options
    # of those who do.
    file(CONFIGURE OUTPUT ${headers}.cpp CONTENT "")
    add_library(${headers} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${headers}.cpp)
    target_compile_features(${headers} PRIVATE cxx_std_20)
    target_precompile_headers(${headers} PRIVATE ${MORPH_HEADERS_${kind}})
    target_link_libraries(${headers} PRIVATE nlohmann_json::nlohmann_json morph_warnings)
    if(kind MATCHES "torch")
      target_link_libraries(${headers} PRIVATE morph_torch)
    endif()
    if(kind MATCHES "test")
      target_link_libraries(${headers} PRIVATE GTest::gmock)
      target_compile_options(${headers} PRIVATE ${MORPH_TEST_OPTIONS})
    endif()
  endif()
  target_precompile_headers(${target} REUSE_FROM ${headers})
endfunction()

# morph_layer(<name> [TORCH] SOURCES <files...> [LINK <targets...>])
#
# One static library per folder of src/morph, target morph_<name>. LINK names the layers below it;
# layers.txt says which those may be. Above the torch line header asserts must match the release
# build of LibTorch, hence NDEBUG.
function(morph_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TORCH" "" "SOURCES;LINK")
  if(NOT arg_SOURCES)
    add_library(morph_${name} INTERFACE)
    target_link_libraries(morph_${name} INTERFACE ${arg_LINK})
    return()
  endif()
  add_library(morph_${name} STATIC ${arg_SOURCES})
  target_compile_features(morph_${name} PUBLIC cxx_std_20)
  target_include_directories(morph_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(morph_${name} PUBLIC ${arg_LINK} nlohmann_json::nlohmann_json
                                      PRIVATE morph_warnings)
  if(arg_TORCH)
    target_link_libraries(morph_${name} PUBLIC morph_torch)
    morph_precompile(morph_${name} torch)
  endif()
endfunction()

# morph_test(<name> [TORCH] [GPU] SOURCES <files...> LINK <targets...>): one executable per layer, one
# CTest label. GPU: some of its tests open one. What a test waits for is the library, so a release
# build spends less on optimising the test itself.
function(morph_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TORCH;GPU" "" "SOURCES;LINK")
  add_executable(${name}_test ${arg_SOURCES})
  target_include_directories(${name}_test PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(${name}_test PRIVATE MORPH_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                                  MORPH_BINARY_DIR="${PROJECT_BINARY_DIR}")
  target_compile_options(${name}_test PRIVATE ${MORPH_TEST_OPTIONS})
  if(arg_TORCH)
    morph_precompile(${name}_test torch_test)
  else()
    morph_precompile(${name}_test test)
  endif()
  set(main GTest::gmock_main)
  if(arg_GPU)
    set(main morph_gpu_main)
  endif()
  target_link_libraries(${name}_test PRIVATE ${arg_LINK} morph_warnings ${main})
  gtest_discover_tests(${name}_test PROPERTIES LABELS ${name} TIMEOUT 300 DISCOVERY_TIMEOUT 120)
endfunction()
